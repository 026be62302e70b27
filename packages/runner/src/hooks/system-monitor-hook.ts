import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { execFile } from 'node:child_process';
import { cpus, freemem, totalmem } from 'node:os';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface SystemMonitorHookOptions {
  /** Least time between two looks at the machine, in seconds; 10. */
  interval?: number;
  /** Ask `nvidia-smi` for the graphics cards; where there is none nothing is asked again. True. */
  gpu?: boolean;
  priority?: number | string;
}

const QUERY = ['--query-gpu=utilization.gpu,memory.used,temperature.gpu', '--format=csv,noheader,nounits'];

/**
 * Records what the whole machine is doing, where ThroughputMonitorHook records the process: `train/system_cpu_percent` (100
 * when all cores are busy), `train/system_memory_percent`, and for each graphics card `train/gpu0_percent`, `train/gpu0_mb` and
 * `train/gpu0_celsius`. Cards are asked in the background, so that no iteration waits; their numbers are recorded with
 * the next iteration.
 */
@register(HOOKS)
export class SystemMonitorHook extends Hook {
  private readonly interval: number;
  private gpu: boolean;
  private last = -Infinity;
  private times: { busy: number; all: number } | undefined;
  private answer: number[][] | undefined;
  private asking: Promise<void> | undefined;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: SystemMonitorHookOptions = {}) {
    super();
    checkKeys('SystemMonitorHook', options, ['interval', 'gpu', 'priority']);
    this.interval = options.interval ?? 10;
    this.gpu = options.gpu ?? true;
    if (typeof this.interval !== 'number' || !(this.interval >= 0)) {
      throw badValue('SystemMonitorHook.interval', options.interval, 'a number of seconds of 0 or more');
    }
    if (typeof this.gpu !== 'boolean') throw badValue('SystemMonitorHook.gpu', options.gpu, 'true or false');
  }

  override beforeTrain(): void {
    this.last = performance.now();
    this.times = coreTimes();
  }

  override afterTrainIter(run: Run): void {
    this.recordCards(run);
    const now = performance.now();
    if (now - this.last < this.interval * 1000) return;
    this.last = now;
    const hub = run.messageHub;
    const before = this.times!;
    this.times = coreTimes();
    const ticks = this.times.all - before.all;
    if (ticks > 0)
      hub.updateScalar('train/system_cpu_percent', (100 * (this.times.busy - before.busy)) / ticks);
    hub.updateScalar('train/system_memory_percent', 100 * (1 - freemem() / totalmem()));
    if (this.gpu && !this.asking) this.asking = this.askCards().finally(() => (this.asking = undefined));
  }

  /** Waits for the answer on its way, so that nothing outlives the run. */
  override async afterTrain(run: Run): Promise<void> {
    await this.asking;
    this.recordCards(run);
  }

  private recordCards(run: Run): void {
    const { answer } = this;
    this.answer = undefined;
    answer?.forEach(([percent, megabytes, celsius], i) => {
      const values = { percent, mb: megabytes, celsius };
      for (const [name, value] of Object.entries(values)) {
        if (value !== undefined && Number.isFinite(value))
          run.messageHub.updateScalar(`train/gpu${i}_${name}`, value);
      }
    });
  }

  private askCards(): Promise<void> {
    return new Promise((resolve) => {
      execFile('nvidia-smi', QUERY, { timeout: 5000 }, (error, text) => {
        if (error) this.gpu = false;
        else
          this.answer = text
            .trim()
            .split('\n')
            .map((line) => line.split(',').map(Number));
        resolve();
      });
    });
  }
}

/** Milliseconds that all cores together have been busy, and have been there at all. */
function coreTimes(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.irq;
    busy += sum;
    all += sum + times.idle;
  }
  return { busy, all };
}

declare module '@engine/core' {
  interface HookTypes {
    SystemMonitorHook: SystemMonitorHookOptions;
  }
}
