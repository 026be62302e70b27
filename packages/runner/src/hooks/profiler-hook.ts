import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { tf } from '@engine/tensor';
import { writeFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { EVENTS } from '../events.js';
import { hookName } from '../hook-bus.js';
import { Hook, type HookMethods } from '../hook.js';
import type { Run } from '../run.js';
import { TraceRecorder } from './trace-recorder.js';

export interface ProfilerHookOptions {
  /** Whether `profileTimes` and `begin` count epochs (true) or iterations. */
  byEpoch?: boolean;
  /** How much of training to record; 1. By epochs only 1 is possible. */
  profileTimes?: number;
  /** First epoch or iteration (from 1) to record; 1. */
  begin?: number;
  /** Record every tensor kernel with its time, which waits for each; true. */
  kernels?: boolean;
  /** Which iterations of that part to record, in rounds; all unless said. Each round writes a trace of its own. */
  schedule?: ProfilerSchedule;
  /** Give matrix products and convolutions of the trace their floating-point operations; false. */
  withFlops?: boolean;
  /** File of the trace; `trace.json` in the folder of the run. A relative path counts from that folder. */
  jsonTracePath?: string;
  /** Called with the path when the trace has been written. */
  onTraceReady?: (path: string) => void;
  priority?: number | string;
}

/** Rounds of iterations: `wait` and then `warmup` pass unrecorded, `active` are recorded (torch.profiler.schedule). */
export interface ProfilerSchedule {
  /** 0 unless said. */
  wait?: number;
  /** 0 unless said. */
  warmup?: number;
  active: number;
  /** Rounds to make; 0, as many as fit. */
  repeat?: number;
  /** Iterations before the first round; 0. */
  skipFirst?: number;
}

type Method = (run: Run, payload?: unknown) => unknown;

/**
 * Records where the time of some iterations goes, once per run, as a Chrome trace (open it in ui.perfetto.dev or
 * chrome://tracing): the wait for data, the step, the kernels in it, each hook, and the memory of tensors.
 */
@register(HOOKS)
export class ProfilerHook extends Hook {
  /** First of all hooks, so that its marks stand where a stage begins. */
  override priority = 'HIGHEST' as const;
  private readonly options: ProfilerHookOptions;
  private readonly profileTimes: number;
  private readonly begin: number;
  private readonly byEpoch: boolean;
  private readonly recorder: TraceRecorder;
  private readonly watched = new WeakSet<HookMethods>();
  private stopKernels: (() => void) | undefined;
  private recording = false;
  /** The iterations that may be recorded: those from `from` to before `until`. */
  private open: { from: number; until: number } | undefined;
  private written = 0;
  private done = false;
  private waitingSince = 0;
  private stepSince = 0;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: ProfilerHookOptions = {}) {
    super();
    checkKeys('ProfilerHook', options, [
      'byEpoch',
      'profileTimes',
      'begin',
      'kernels',
      'schedule',
      'withFlops',
      'jsonTracePath',
      'onTraceReady',
      'priority',
    ]);
    const { byEpoch = true, profileTimes = 1, begin = 1, onTraceReady } = options;
    for (const [name, value] of Object.entries({ profileTimes, begin })) {
      if (!Number.isInteger(value) || value < 1) {
        throw badValue(`ProfilerHook.${name}`, value, 'a whole number above 0');
      }
    }
    if (byEpoch && profileTimes > 1) {
      throw badValue('ProfilerHook.profileTimes', profileTimes, '1 epoch, or iterations with byEpoch: false');
    }
    if (onTraceReady !== undefined && typeof onTraceReady !== 'function') {
      throw badValue('ProfilerHook.onTraceReady', onTraceReady, 'a function');
    }
    if (options.schedule) checkSchedule(options.schedule);
    this.options = options;
    this.recorder = new TraceRecorder(options.withFlops ?? false);
    this.byEpoch = byEpoch;
    this.profileTimes = profileTimes;
    this.begin = begin;
  }

  override beforeRun(run: Run): void {
    this.done = false;
    this.written = 0;
    for (const hook of run.hooks) if (hook !== (this as HookMethods)) this.watch(hook);
  }

  override beforeTrain(run: Run): void {
    const max = this.byEpoch ? run.maxEpochs : run.maxIters;
    const last = this.begin + this.profileTimes - 1;
    if (last > max) {
      throw badValue('ProfilerHook.profileTimes', this.profileTimes, `an end by ${max}, not ${last}`);
    }
  }

  override beforeTrainEpoch(run: Run): void {
    if (this.byEpoch && run.epoch + 1 === this.begin) this.start(run.iter, Infinity);
    this.waitingSince = this.recorder.now();
  }

  override beforeTrainIter(run: Run): void | Promise<void> {
    const now = this.recorder.now();
    this.stepSince = now;
    if (!this.byEpoch && run.iter + 1 >= this.begin) this.start(run.iter, run.iter + this.profileTimes);
    if (this.open && run.iter >= this.open.until) {
      return this.end(run).then(() => void (this.stepSince = this.recorder.now()));
    }
    if (this.open && this.isActive(run.iter - this.open.from)) {
      this.record();
      this.recorder.span('data', 'data', this.waitingSince, now, { iter: run.iter + 1 });
    } else if (this.recording) {
      return this.write(run).then(() => void (this.stepSince = this.recorder.now()));
    }
  }

  override afterTrainIter(run: Run): void {
    this.waitingSince = this.recorder.now();
    if (!this.recording) return;
    this.recorder.span('step', 'step', this.stepSince, this.waitingSince, { iter: run.iter + 1 });
    this.recorder.counter('tensors', { MiB: tf.memory().numBytes / 2 ** 20 });
  }

  /** Validation is not a wait for data. */
  override afterVal(): void {
    this.waitingSince = this.recorder.now();
  }

  override async afterTrainEpoch(run: Run): Promise<void> {
    if (this.byEpoch) await this.end(run);
  }

  override async afterRun(run: Run): Promise<void> {
    await this.end(run);
  }

  private start(from: number, until: number): void {
    if (!this.done) this.open ??= { from, until };
  }

  /** Whether the schedule records the iteration number `k`, from 0, of the part that may be recorded. */
  private isActive(k: number): boolean {
    const { schedule } = this.options;
    if (!schedule) return true;
    const { wait = 0, warmup = 0, active, repeat = 0, skipFirst = 0 } = schedule;
    const at = k - skipFirst;
    const round = wait + warmup + active;
    if (at < 0 || (repeat > 0 && at >= repeat * round)) return false;
    return at % round >= wait + warmup;
  }

  private record(): void {
    if (this.recording) return;
    this.recording = true;
    this.recorder.clear();
    if (this.options.kernels ?? true) this.stopKernels = this.recorder.watchKernels();
  }

  private async end(run: Run): Promise<void> {
    if (!this.open) return;
    this.open = undefined;
    this.done = true;
    if (this.recording) await this.write(run);
  }

  /** Writes what was recorded; the second trace and those after it get a number. */
  private async write(run: Run): Promise<void> {
    this.recording = false;
    this.stopKernels?.();
    const { jsonTracePath = 'trace.json', onTraceReady } = this.options;
    const round = ++this.written;
    const name = round === 1 ? jsonTracePath : jsonTracePath.replace(/(\.[^./]*)?$/, `_${round}$1`);
    const path = isAbsolute(name) ? name : run.directory.path(name);
    await writeFile(path, await this.recorder.toJson());
    this.recorder.clear();
    run.logger.info(`The trace of the profiler is in ${path}; open it in ui.perfetto.dev.`);
    onTraceReady?.(path);
  }

  /** Wraps the handlers of a hook, before the bus has bound them; outside a recording they only pass calls on. */
  private watch(hook: HookMethods): void {
    if (this.watched.has(hook)) return;
    this.watched.add(hook);
    const methods = hook as unknown as Record<string, Method | undefined>;
    const name = hookName(hook);
    for (const event of EVENTS) {
      const method = methods[event];
      if (typeof method !== 'function') continue;
      methods[event] = (run, payload) => {
        if (!this.recording) return method.call(hook, run, payload);
        const from = this.recorder.now();
        const note = (): void => this.recorder.span(`${name}.${event}`, 'hook', from, this.recorder.now());
        const pending = method.call(hook, run, payload);
        if (pending instanceof Promise) return pending.finally(note);
        note();
        return pending;
      };
    }
  }
}

function checkSchedule(schedule: ProfilerSchedule): void {
  const path = 'ProfilerHook.schedule';
  checkKeys(
    'A schedule of the profiler',
    schedule,
    ['wait', 'warmup', 'active', 'repeat', 'skipFirst'],
    path,
  );
  const { wait = 0, warmup = 0, active, repeat = 0, skipFirst = 0 } = schedule;
  for (const [name, value] of Object.entries({ wait, warmup, repeat, skipFirst })) {
    if (!Number.isInteger(value) || value < 0)
      throw badValue(`${path}.${name}`, value, 'a whole number of 0 or more');
  }
  if (!Number.isInteger(active) || active < 1)
    throw badValue(`${path}.active`, active, 'a whole number above 0');
}

declare module '@engine/core' {
  interface HookTypes {
    ProfilerHook: ProfilerHookOptions;
  }
}
