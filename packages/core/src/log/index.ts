export { LOG_LEVELS, parseLogLevel, type LogLevel } from './levels.js';
export { Logger, type ConsoleSink, type LoggerOptions } from './logger.js';
export { rankLogFile, type RankFileOptions } from './rank-file.js';
export { timestamp } from './timestamp.js';
