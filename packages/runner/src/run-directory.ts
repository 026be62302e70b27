import { EngineError } from '@engine/core';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { atomicWrite, replaceSymlink } from '@engine/fileio';

/** Local time as `YYYYmmdd_HHMMSS`. */
export function timestampOf(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

/** Makes a folder and those above it. Node's own `recursive` never returns where the kernel answers as /proc does. */
function makeFolders(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/**
 * Where a launch writes: `<workDir>/<timestamp>/`, with logs, the config, visual data and checkpoints inside, and
 * `<workDir>/latest` pointing at it.
 */
export class RunDirectory {
  private constructor(
    /** The folder all launches of an experiment share, absolute. */
    readonly workDir: string,
    /** Name of this launch's folder. */
    readonly timestamp: string,
  ) {}

  /**
   * Makes the folder of a new launch; two launches in one second get different ones.
   * @throws E_WORK_DIR when it cannot be made
   */
  static create(workDir: string, date = new Date()): RunDirectory {
    const absolute = resolve(workDir);
    const base = timestampOf(date);
    try {
      makeFolders(absolute);
      for (let attempt = 0; ; attempt++) {
        const name = attempt === 0 ? base : `${base}_${attempt}`;
        try {
          mkdirSync(join(absolute, name));
          return new RunDirectory(absolute, name);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
      }
    } catch (cause) {
      throw new EngineError({
        code: 'E_WORK_DIR',
        what: 'The folder of the run cannot be made.',
        received: `workDir = '${absolute}' (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
        expected: 'a folder that this user may write to',
        fix: 'give another one with --work-dir, or change its permissions',
        cause,
        exitCode: 2,
      });
    }
  }

  /** A path inside this launch's folder. */
  path(...parts: string[]): string {
    return join(this.workDir, this.timestamp, ...parts);
  }

  get logFile(): string {
    return this.path(`${this.timestamp}.log`);
  }

  get visData(): string {
    return this.path('vis_data');
  }

  /** Name, inside vis_data, of the scalars of this launch. */
  get scalarsFile(): string {
    return `${this.timestamp}.json`;
  }

  get checkpoints(): string {
    return this.path('checkpoints');
  }

  /** Points `<workDir>/latest` at this launch. */
  async markLatest(): Promise<void> {
    await replaceSymlink(join(this.workDir, 'latest'), this.timestamp);
  }

  /** A path as the work dir sees it, so that a moved work dir still works. */
  relative(path: string): string {
    return relative(this.workDir, path);
  }

  async writeText(name: string, text: string): Promise<void> {
    await atomicWrite(this.path(name), text);
  }
}
