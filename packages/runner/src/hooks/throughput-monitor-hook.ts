import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { tf } from '@engine/tensor';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface ThroughputMonitorHookOptions {
  /** Iterations over which speed and load are measured; 10. */
  interval?: number;
  priority?: number | string;
}

const MEBIBYTE = 2 ** 20;

/**
 * Measures how fast training goes and what it takes, over windows of `interval` iterations without the time spent in
 * validation and between epochs: `train/samples_per_second` (all processes together, when the loader has a batch size),
 * `train/batches_per_second`, `train/cpu_percent` (100 for each busy core, of this process with its threads),
 * `train/rss_mb` (its memory, MiB) and `train/tensor_mb` (tensors that exist, MiB).
 */
@register(HOOKS)
export class ThroughputMonitorHook extends Hook {
  private readonly interval: number;
  private mark = 0;
  private cpuMark: NodeJS.CpuUsage | undefined;
  private seconds = 0;
  private cpuSeconds = 0;
  private batches = 0;

  constructor(options: ThroughputMonitorHookOptions = {}) {
    super();
    checkKeys('ThroughputMonitorHook', options, ['interval', 'priority']);
    this.interval = options.interval ?? 10;
    if (!Number.isInteger(this.interval) || this.interval < 1) {
      throw badValue(
        'ThroughputMonitorHook.interval',
        options.interval,
        'a whole number of iterations above 0',
      );
    }
  }

  override beforeTrainEpoch(): void {
    this.startClock();
  }

  override beforeVal(): void {
    this.stopClock();
  }

  override afterVal(): void {
    this.startClock();
  }

  override afterTrainIter(run: Run): void {
    this.batches++;
    if (this.batches < this.interval) return;
    this.stopClock();
    const hub = run.messageHub;
    const rate = this.batches / this.seconds;
    const { batchSize } = run.trainLoop!.dataloader;
    if (batchSize !== undefined) {
      hub.updateScalar('train/samples_per_second', rate * batchSize * run.processGroup.worldSize);
    }
    hub.updateScalar('train/batches_per_second', rate);
    hub.updateScalar('train/cpu_percent', (100 * this.cpuSeconds) / this.seconds);
    hub.updateScalar('train/rss_mb', process.memoryUsage.rss() / MEBIBYTE);
    hub.updateScalar('train/tensor_mb', tf.memory().numBytes / MEBIBYTE);
    this.batches = 0;
    this.seconds = 0;
    this.cpuSeconds = 0;
    this.startClock();
  }

  override afterTrainEpoch(): void {
    this.stopClock();
  }

  private startClock(): void {
    this.mark = performance.now();
    this.cpuMark = process.cpuUsage();
  }

  private stopClock(): void {
    if (!this.cpuMark) return;
    this.seconds += (performance.now() - this.mark) / 1000;
    const { user, system } = process.cpuUsage(this.cpuMark);
    this.cpuSeconds += (user + system) / 1e6;
    this.cpuMark = undefined;
  }
}

declare module '@engine/core' {
  interface HookTypes {
    ThroughputMonitorHook: ThroughputMonitorHookOptions;
  }
}
