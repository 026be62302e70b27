import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import { formatSeconds } from '../log-lines.js';
import type { Run } from '../run.js';

/** What the bar is drawn on; `process.stderr` is one. */
export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export interface ProgressBarHookOptions {
  /** Least time between two redraws, in milliseconds; 100. */
  refresh?: number;
  /** Where to draw; standard error. */
  stream?: ProgressStream;
  priority?: number | string;
}

const CLEAR_TO_END = '\x1b[K';
const BAR = 24;

/**
 * One bar, redrawn in place, that shows the iteration in progress and the time left. It is drawn on a terminal only:
 * elsewhere, and where the variable `CI` is set, the log lines are all there is.
 */
@register(HOOKS)
export class ProgressBarHook extends Hook {
  override priority = 'LOWEST' as const;
  private readonly refresh: number;
  private readonly stream: ProgressStream;
  private active = false;
  private drawn = -Infinity;

  constructor(options: ProgressBarHookOptions = {}) {
    super();
    checkKeys('ProgressBarHook', options, ['refresh', 'stream', 'priority']);
    this.refresh = options.refresh ?? 100;
    if (!(this.refresh >= 0)) {
      throw badValue('ProgressBarHook.refresh', options.refresh, 'a number of milliseconds of 0 or more');
    }
    this.stream = options.stream ?? process.stderr;
  }

  override beforeRun(run: Run): void {
    const { CI } = process.env;
    const inCI = CI !== undefined && CI !== '' && CI !== 'false' && CI !== '0';
    this.active = this.stream.isTTY === true && !inCI && run.processGroup.rank === 0;
  }

  override afterTrainIter(run: Run, { batchIdx }: EventPayloads['afterTrainIter']): void {
    const { byEpoch, dataloader } = run.trainLoop!;
    if (byEpoch) this.draw(run, `Epoch ${run.epoch + 1}/${run.maxEpochs}`, batchIdx + 1, dataloader.length);
    else this.draw(run, 'Train', run.iter + 1, run.maxIters);
  }

  override afterValIter(run: Run, { batchIdx }: EventPayloads['afterValIter']): void {
    this.draw(run, 'Validation', batchIdx + 1, run.valLoop!.dataloader.length);
  }

  override afterTestIter(run: Run, { batchIdx }: EventPayloads['afterTestIter']): void {
    this.draw(run, 'Test', batchIdx + 1, run.testLoop!.dataloader.length);
  }

  override afterRun(): void {
    if (this.active) this.stream.write(`\r${CLEAR_TO_END}`);
  }

  private draw(run: Run, title: string, done: number, total: number): void {
    if (!this.active) return;
    const now = performance.now();
    if (done < total && now - this.drawn < this.refresh) return;
    this.drawn = now;
    const share = total > 0 ? Math.min(1, done / total) : 1;
    const full = Math.round(BAR * share);
    const eta = run.messageHub.getInfo('eta');
    const left = typeof eta === 'number' ? `  eta ${formatSeconds(eta)}` : '';
    const percent = String(Math.floor(100 * share)).padStart(3);
    const text = `${title} [${'='.repeat(full)}${' '.repeat(BAR - full)}] ${done}/${total} ${percent}%${left}`;
    // The cursor stays at the start of the line, so that the next log line writes over the bar.
    this.stream.write(`\r${text.slice(0, (this.stream.columns ?? 80) - 1)}${CLEAR_TO_END}\r`);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    ProgressBarHook: ProgressBarHookOptions;
  }
}
