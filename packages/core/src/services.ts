import { serviceToken } from './di.js';
import type { Logger } from './log/logger.js';
import type { MessageHub } from './message-hub.js';

/** The run's logger, for `@inject(LOGGER)`. */
export const LOGGER = serviceToken<Logger>('logger');

/** The run's message hub, for `@inject(MESSAGE_HUB)`. */
export const MESSAGE_HUB = serviceToken<MessageHub>('messageHub');
