import { tf } from '@engine/tensor';

/** One event of a trace, times in microseconds. See "Trace Event Format" (Google, 2016). */
interface TraceEvent {
  name: string;
  cat?: string;
  /** `X`: a span; `C`: counters; `M`: a name of a row. */
  ph: 'X' | 'C' | 'M';
  ts?: number;
  dur?: number;
  pid: number;
  tid: number;
  args?: Record<string, unknown>;
}

/** Rows of the trace, from top to bottom. */
const ROWS = { step: 1, data: 1, kernel: 2, hook: 3 } as const;
const ROW_NAMES: Readonly<Record<number, string>> = { 1: 'loop', 2: 'kernels', 3: 'hooks' };

type KernelInfo = ReturnType<typeof tf.engine>['state']['activeProfile']['kernels'][number];

/** Kernels whose times are still on their way, with the moment they ended. */
interface PendingKernel {
  name: string;
  end: number;
  shapes: unknown;
  milliseconds: number | Promise<number>;
}

/** Collects spans and writes them in Chrome's trace format. */
export class TraceRecorder {
  private events: TraceEvent[] = [];
  private kernels: PendingKernel[] = [];

  /** The clock of all times, in milliseconds. */
  now(): number {
    return performance.now();
  }

  clear(): void {
    this.events = [];
    this.kernels = [];
  }

  span(
    name: string,
    category: keyof typeof ROWS,
    from: number,
    to: number,
    args?: Record<string, unknown>,
  ): void {
    this.events.push({
      name,
      cat: category,
      ph: 'X',
      ts: from * 1000,
      dur: (to - from) * 1000,
      pid: process.pid,
      tid: ROWS[category],
      ...(args && { args }),
    });
  }

  counter(name: string, values: Record<string, number>): void {
    this.events.push({ name, ph: 'C', ts: this.now() * 1000, pid: process.pid, tid: 1, args: values });
  }

  /**
   * Records every kernel that tfjs runs from now on, through its own profiler, until the returned function is called.
   * tf.profile cannot be used: it takes a function, and training is not one that we call.
   */
  watchKernels(): () => void {
    const { state } = tf.engine();
    const before = { profiling: state.profiling, profile: state.activeProfile };
    const push = (kernel: KernelInfo): number =>
      this.kernels.push({
        name: kernel.name,
        end: this.now(),
        shapes: kernel.inputShapes,
        milliseconds: kernel.kernelTimeMs as number | Promise<number>,
      });
    state.profiling = true;
    state.activeProfile = { ...before.profile, kernels: { push } as unknown as KernelInfo[] };
    return () => {
      state.profiling = before.profiling;
      state.activeProfile = before.profile;
    };
  }

  /** The trace as JSON text. */
  async toJson(): Promise<string> {
    const spans: TraceEvent[] = [];
    for (const { name, end, shapes, milliseconds } of this.kernels) {
      const duration = (await milliseconds) * 1000;
      const ts = end * 1000 - duration;
      const at = { ph: 'X' as const, ts, dur: duration, pid: process.pid, tid: ROWS.kernel };
      spans.push({ name, cat: 'kernel', ...at, args: { shapes } });
    }
    const names: TraceEvent[] = Object.entries(ROW_NAMES).map(([tid, name]) => ({
      name: 'thread_name',
      ph: 'M',
      pid: process.pid,
      tid: Number(tid),
      args: { name },
    }));
    return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [...names, ...this.events, ...spans] })}\n`;
  }
}
