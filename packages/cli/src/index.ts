export { COMMANDS, main } from './main.js';
export { stopOnSignals, type Stoppable } from './signals.js';
