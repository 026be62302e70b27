import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { writeFile } from 'node:fs/promises';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface LoggerHookOptions {
  /** Iterations between two lines; 10. */
  interval?: number;
  /** Skip the line at the end of an epoch unless it falls on the interval; true. */
  ignoreLast?: boolean;
  /** Iterations between two reminders of the experiment's name; 1000. */
  intervalExpName?: number;
  /** Step of validation metrics in visual backends: the epoch (default) or the iteration. */
  logMetricByEpoch?: boolean;
  priority?: number | string;
}

/** Writes log lines, and the same values to the visual backends, at an interval. */
@register(HOOKS)
export class LoggerHook extends Hook {
  override priority = 'BELOW_NORMAL' as const;
  private readonly interval: number;
  private readonly ignoreLast: boolean;
  private readonly intervalExpName: number;
  private readonly logMetricByEpoch: boolean | undefined;

  constructor(options: LoggerHookOptions = {}) {
    super();
    checkKeys('LoggerHook', options, [
      'interval',
      'ignoreLast',
      'intervalExpName',
      'logMetricByEpoch',
      'priority',
    ]);
    this.interval = positive('LoggerHook.interval', options.interval ?? 10);
    this.intervalExpName = positive('LoggerHook.intervalExpName', options.intervalExpName ?? 1000);
    this.ignoreLast = options.ignoreLast ?? true;
    this.logMetricByEpoch = options.logMetricByEpoch;
  }

  override afterTrainIter(run: Run, { batchIdx }: EventPayloads['afterTrainIter']): void {
    const done = run.iter + 1;
    const length = run.trainLoop!.dataloader.length;
    const last = run.trainLoop!.byEpoch ? batchIdx + 1 === length : done === run.maxIters;
    if (done % this.intervalExpName === 0 || last) run.logger.info(`Exp name: ${run.experimentName}`);
    const due = (batchIdx + 1) % this.interval === 0;
    // The rest of an epoch is shown when asked for, and always when the epoch is too short to show anything else.
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
    await writeFile(
      run.directory.path(`${run.directory.timestamp}.json`),
      `${JSON.stringify(tag, null, 2)}\n`,
    );
  }

  override async afterRun(run: Run): Promise<void> {
    await run.visualizer.close();
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
