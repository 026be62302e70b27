import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { getFileBackend } from '@engine/fileio';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface LoggerHookOptions {
  /** Iterations between two lines; 10. */
  interval?: number;
  /** Skip the line at the end of an epoch (or of a run by iterations) unless it falls on the interval; true. */
  ignoreLast?: boolean;
  /** Iterations between two reminders of the experiment's name; 1000. */
  intervalExpName?: number;
  /** Step of validation metrics in visual backends: the epoch (default) or the iteration. */
  logMetricByEpoch?: boolean;
  /** Place, on any storage, that the files of the launch are copied to when it is over: `<outDir>/<work dir>/<launch>`. */
  outDir?: string;
  /** Endings of the files to copy; `.json`, `.log`, `.ts`, `.py` and `.yaml`. Checkpoints stay where they are. */
  outSuffix?: readonly string[];
  /** Keep the files here after they have been copied; true. */
  keepLocal?: boolean;
  priority?: number | string;
}

const OUT_SUFFIX = ['.json', '.log', '.ts', '.py', '.yaml'];

/** Writes log lines, and the same values to the visual backends, at an interval. */
@register(HOOKS)
export class LoggerHook extends Hook {
  override priority = 'BELOW_NORMAL' as const;
  private readonly interval: number;
  private readonly ignoreLast: boolean;
  private readonly intervalExpName: number;
  private readonly logMetricByEpoch: boolean | undefined;
  private readonly out: { dir: string; suffixes: readonly string[]; keep: boolean } | undefined;

  constructor(options: LoggerHookOptions = {}) {
    super();
    checkKeys('LoggerHook', options, [
      'interval',
      'ignoreLast',
      'intervalExpName',
      'logMetricByEpoch',
      'outDir',
      'outSuffix',
      'keepLocal',
      'priority',
    ]);
    this.interval = positive('LoggerHook.interval', options.interval ?? 10);
    this.intervalExpName = positive('LoggerHook.intervalExpName', options.intervalExpName ?? 1000);
    this.ignoreLast = options.ignoreLast ?? true;
    this.logMetricByEpoch = options.logMetricByEpoch;
    const { outDir, outSuffix = OUT_SUFFIX, keepLocal = true } = options;
    if (outDir !== undefined) this.out = { dir: outDir, suffixes: outSuffix, keep: keepLocal };
    else if (!keepLocal) throw badValue('LoggerHook.keepLocal', false, 'an outDir beside it');
  }

  override afterTrainIter(run: Run, { batchIdx }: EventPayloads['afterTrainIter']): void {
    const done = run.iter + 1;
    const { byEpoch, dataloader } = run.trainLoop!;
    // The number within what ends with a last line: an epoch, or the whole run where there are none.
    const [at, length] = byEpoch ? [batchIdx + 1, dataloader.length] : [done, run.maxIters];
    const last = at === length;
    if (done % this.intervalExpName === 0 || last) run.logger.info(`Exp name: ${run.experimentName}`);
    const due = at % this.interval === 0;
    // The rest is shown when asked for, and always when the whole is too short to show anything else.
    if (!due && !(last && (!this.ignoreLast || length <= this.interval))) return;
    const { tag, line } = run.logProcessor.getLogAfterIter(run, batchIdx, 'train');
    run.logger.info(line);
    run.visualizer.addScalars(tag, { step: done, filePath: run.directory.scalarsFile });
  }

  override afterValIter(run: Run, { batchIdx }: EventPayloads['afterValIter']): void {
    if ((batchIdx + 1) % this.interval !== 0) return;
    run.logger.info(run.logProcessor.getLogAfterIter(run, batchIdx, 'val').line);
  }

  override afterTestIter(run: Run, { batchIdx }: EventPayloads['afterTestIter']): void {
    if ((batchIdx + 1) % this.interval !== 0) return;
    run.logger.info(run.logProcessor.getLogAfterIter(run, batchIdx, 'test').line);
  }

  override afterValEpoch(run: Run): void {
    const batches = run.valLoop!.dataloader.length;
    const { tag, line } = run.logProcessor.getLogAfterEpoch(run, batches - 1, 'val');
    run.logger.info(line);
    const byEpoch = this.logMetricByEpoch ?? run.trainLoop?.byEpoch ?? true;
    run.visualizer.addScalars(tag, {
      step: byEpoch ? run.epoch : run.iter,
      filePath: run.directory.scalarsFile,
    });
  }

  override async afterTestEpoch(run: Run): Promise<void> {
    const batches = run.testLoop!.dataloader.length;
    const { tag, line } = run.logProcessor.getLogAfterEpoch(run, batches - 1, 'test', true);
    run.logger.info(line);
    await run.directory.writeText(`${run.directory.timestamp}.json`, `${JSON.stringify(tag, null, 2)}\n`);
  }

  override async afterRun(run: Run): Promise<void> {
    await run.visualizer.close();
    if (this.out && run.processGroup.rank === 0) await this.copyOut(run, this.out);
  }

  private async copyOut(run: Run, out: NonNullable<LoggerHook['out']>): Promise<void> {
    const { workDir, timestamp, checkpoints } = run.directory;
    const from = run.directory.path();
    const storage = getFileBackend(out.dir, {}, true);
    // Lines wait in memory for a while; a later one opens the file again.
    run.logger.close();
    for (const name of await readdir(from, { recursive: true })) {
      const path = join(from, name);
      if (!out.suffixes.some((suffix) => name.endsWith(suffix)) || path.startsWith(checkpoints + sep))
        continue;
      if (!(await stat(path)).isFile()) continue;
      const target = storage.joinPath(out.dir, basename(workDir), timestamp, ...name.split(sep));
      await storage.put(new Uint8Array(await readFile(path)), target);
      if (!out.keep) await rm(path);
    }
  }
}

function positive(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) {
    throw badValue(name, value, 'a whole number of iterations above 0');
  }
  return value;
}

declare module '@engine/core' {
  interface HookTypes {
    LoggerHook: LoggerHookOptions;
  }
}
