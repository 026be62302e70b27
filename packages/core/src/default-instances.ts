import { Logger, type LoggerOptions } from './log/logger.js';
import { MessageHub, type MessageHubOptions } from './message-hub.js';
import { NamedInstances } from './named-instances.js';

/** Loggers of code that runs outside any run; a Runner makes its own. */
export const LOGGERS = new NamedInstances<Logger, Omit<LoggerOptions, 'name'>>(
  'Logger',
  (name, options) => new Logger({ ...options, name }),
);

/** Message hubs of code that runs outside any run; a Runner makes its own. */
export const MESSAGE_HUBS = new NamedInstances<MessageHub, MessageHubOptions>(
  'MessageHub',
  (name, options) => new MessageHub(name, options),
);
