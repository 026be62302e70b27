import { hostname, userInfo } from 'node:os';
import { join, parse } from 'node:path';
import { LOG_LEVELS, type LogLevel } from './levels.js';

export interface RankFileOptions {
  rank: number;
  worldSize: number;
  /** Device number for the name; the rank unless said. */
  device?: string | number | undefined;
  /** One file per rank, not only rank 0's. */
  distributed: boolean;
  level: LogLevel;
}

/** `user@host`, or undefined where the system knows neither. */
function hostInfo(): string | undefined {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return undefined;
  }
}

/**
 * The file a rank logs to: `file` itself on rank 0 of a plain run; `<stem>_<user@host>_device<d>_rank<r>.log` on every
 * rank when there are several and either `distributed` is set or the level is DEBUG; else none.
 */
export function rankLogFile(file: string, options: RankFileOptions): string | undefined {
  const perRank =
    options.worldSize > 1 && (options.distributed || LOG_LEVELS[options.level] <= LOG_LEVELS.DEBUG);
  if (!perRank) return options.rank === 0 ? file : undefined;
  const { dir, name, ext } = parse(file);
  const host = hostInfo();
  const who = host === undefined ? '' : `_${host}`;
  return join(dir, `${name}${who}_device${options.device ?? options.rank}_rank${options.rank}${ext}`);
}
