import { checkKeys } from '../check-keys.js';
import { isEngineError } from '../errors.js';
import { callSite, type CallSite } from './call-site.js';
import { LOG_LEVELS, parseLogLevel, type LogLevel } from './levels.js';
import { LogFile } from './log-file.js';
import { rankLogFile } from './rank-file.js';
import { lineTime } from './timestamp.js';

/** Where console lines go; `process.stdout` is one. */
export interface ConsoleSink {
  write(text: string): unknown;
  isTTY?: boolean;
}

export interface LoggerOptions {
  /** Middle field of every line; `engine` unless said. */
  name?: string;
  /** Lowest level that is logged; `INFO` unless said. */
  level?: LogLevel | Lowercase<LogLevel>;
  /** Log file of rank 0; none unless said. Other ranks' names are made from it, see {@link rankLogFile}. */
  file?: string;
  /** `a` (default) appends to an existing file, `w` replaces it. */
  fileMode?: 'a' | 'w';
  /** This process among the run's processes; 0. */
  rank?: number;
  /** Number of the run's processes; 1. */
  worldSize?: number;
  /** Device for the names of per-rank files; the rank. */
  device?: string | number;
  /** Every rank writes a file; false. */
  distributed?: boolean;
  /** Where console lines go; stdout. `false` for nowhere. */
  console?: ConsoleSink | false;
  /** Colour and underline of the level on the console; only on a terminal without NO_COLOR unless said. */
  color?: boolean;
}

const KNOWN = [
  'name',
  'level',
  'file',
  'fileMode',
  'rank',
  'worldSize',
  'device',
  'distributed',
  'console',
  'color',
] as const;

const COLORS: Record<LogLevel, string> = {
  DEBUG: '\x1b[4;32m',
  INFO: '\x1b[4;37m',
  WARNING: '\x1b[4;33m',
  ERROR: '\x1b[4;31m',
  CRITICAL: '\x1b[4;31m',
};

/** Distinct warnings remembered per handler, so that a warning with a counter in it cannot fill the memory. */
const MAX_SEEN = 10_000;

/** One destination; drops a WARNING it has already written. */
interface Handler {
  /** Lowest level written here, beside the logger's own. */
  level: number;
  seen: Set<string>;
  write(line: Line): void;
}

interface Line {
  level: LogLevel;
  name: string;
  message: string;
  now: number;
  at: CallSite | undefined;
}

function body(line: Line, level: string): string {
  const at = line.at ? ` - ${line.at.path} - ${line.at.functionName} - ${line.at.line}` : '';
  return ` - ${line.name} - ${level}${at} - ${line.message}`;
}

function textOf(message: string | Error): string {
  if (typeof message === 'string') return message;
  return isEngineError(message) ? message.message : (message.stack ?? String(message));
}

/**
 * Writes lines to the console and to a file, in MMEngine's shapes.
 *
 * Console: `MM/DD HH:MM:SS - engine - INFO - message`; file: `YYYY/MM/DD HH:MM:SS - engine - INFO - message`; from
 * ERROR on, ` - path - function - line` stands before the message. Ranks above 0 write only errors to the console.
 * The same WARNING is written once per destination. File lines wait in memory for at most a second and are written
 * at once from WARNING on; a file that cannot be written is reported once on the console and never ends the run.
 */
export class Logger {
  readonly name: string;
  /** The file of this rank, if it writes one. */
  readonly file: string | undefined;
  private readonly parent: Logger | undefined;
  private readonly handlers: Handler[];
  private readonly logFile: LogFile | undefined;
  private ownLevel: LogLevel | undefined;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_LOG_LEVEL */
  constructor(options: LoggerOptions = {}, parent?: Logger) {
    this.parent = parent;
    if (parent) {
      this.name = `${parent.name}.${options.name ?? 'child'}`;
      this.file = parent.file;
      this.handlers = parent.handlers;
      this.logFile = parent.logFile;
      return;
    }
    checkKeys('Logger', options, KNOWN);
    this.name = options.name ?? 'engine';
    this.ownLevel = parseLogLevel(options.level ?? 'INFO');
    const rank = options.rank ?? 0;
    this.handlers = [];
    if (options.console !== false) {
      this.handlers.push(consoleHandler(options.console ?? process.stdout, options.color, rank));
    }
    this.file =
      options.file === undefined
        ? undefined
        : rankLogFile(options.file, {
            rank,
            worldSize: options.worldSize ?? 1,
            device: options.device,
            distributed: options.distributed ?? false,
            level: this.ownLevel,
          });
    if (this.file !== undefined) {
      const console = this.handlers[0];
      this.logFile = new LogFile(
        this.file,
        (error) => {
          const reason = error instanceof Error ? error.message : String(error);
          const message = `The log file ${this.file} cannot be written, the run goes on without it: ${reason}`;
          console?.write({ level: 'WARNING', name: this.name, message, now: Date.now(), at: undefined });
        },
        options.fileMode ?? 'a',
      );
      this.handlers.push(fileHandler(this.logFile));
    }
  }

  get level(): LogLevel {
    return this.ownLevel ?? this.parent?.level ?? 'INFO';
  }

  /** Changes the lowest level that is logged, here and in children without a level of their own. */
  setLevel(level: LogLevel | Lowercase<LogLevel>): void {
    this.ownLevel = parseLogLevel(level);
  }

  isEnabledFor(level: LogLevel): boolean {
    return LOG_LEVELS[level] >= LOG_LEVELS[this.level];
  }

  /** A logger `parent.name` that writes to the same places. */
  child(name: string): Logger {
    return new Logger({ name }, this);
  }

  debug(message: string | Error): void {
    this.emit('DEBUG', message);
  }

  info(message: string | Error): void {
    this.emit('INFO', message);
  }

  warn(message: string | Error): void {
    this.emit('WARNING', message);
  }

  error(message: string | Error): void {
    if (this.isEnabledFor('ERROR')) this.emit('ERROR', message, callSite(this.error));
  }

  critical(message: string | Error): void {
    if (this.isEnabledFor('CRITICAL')) this.emit('CRITICAL', message, callSite(this.critical));
  }

  log(level: LogLevel, message: string | Error): void {
    const at = LOG_LEVELS[level] >= LOG_LEVELS.ERROR ? callSite(this.log) : undefined;
    this.emit(level, message, at);
  }

  /** Writes waiting file lines now, synchronously. */
  flush(): void {
    this.logFile?.flush();
  }

  /** Flushes and closes the file; a later line opens it again. */
  close(): void {
    this.logFile?.close();
  }

  private emit(level: LogLevel, message: string | Error, at?: CallSite): void {
    if (!this.isEnabledFor(level)) return;
    const line: Line = { level, name: this.name, message: textOf(message), now: Date.now(), at };
    for (const handler of this.handlers) {
      if (LOG_LEVELS[level] < handler.level) continue;
      if (level === 'WARNING') {
        if (handler.seen.has(line.message)) continue;
        if (handler.seen.size < MAX_SEEN) handler.seen.add(line.message);
      }
      handler.write(line);
    }
  }
}

function consoleHandler(sink: ConsoleSink, color: boolean | undefined, rank: number): Handler {
  const colored = color ?? (sink.isTTY === true && !process.env.NO_COLOR);
  return {
    level: rank === 0 ? 0 : LOG_LEVELS.ERROR,
    seen: new Set(),
    write(line) {
      const level = colored ? `${COLORS[line.level]}${line.level}\x1b[0m` : line.level;
      sink.write(`${lineTime(line.now).rest}${body(line, level)}\n`);
    },
  };
}

function fileHandler(file: LogFile): Handler {
  return {
    level: 0,
    seen: new Set(),
    write(line) {
      const time = lineTime(line.now);
      file.write(`${time.year}/${time.rest}${body(line, line.level)}`);
      if (LOG_LEVELS[line.level] >= LOG_LEVELS.WARNING) file.flush();
    },
  };
}
