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
  flops: number | undefined;
  milliseconds: number | Promise<number>;
}

/** Collects spans and writes them in Chrome's trace format. */
export class TraceRecorder {
  private events: TraceEvent[] = [];
  private kernels: PendingKernel[] = [];

  /** @param withFlops whether kernels get their floating-point operations, where {@link kernelFlops} knows them */
  constructor(private readonly withFlops = false) {}

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
        flops: this.withFlops ? kernelFlops(kernel.name, kernel.inputShapes, kernel.outputShapes) : undefined,
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
    for (const { name, end, shapes, flops, milliseconds } of this.kernels) {
      const duration = (await milliseconds) * 1000;
      const ts = end * 1000 - duration;
      const at = { ph: 'X' as const, ts, dur: duration, pid: process.pid, tid: ROWS.kernel };
      spans.push({ name, cat: 'kernel', ...at, args: { shapes, ...(flops !== undefined && { flops }) } });
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

/**
 * Floating-point operations of a matrix product or a convolution, a multiplication and an addition counting two; undefined
 * for other kernels.
 */
export function kernelFlops(
  name: string,
  inputs: readonly (readonly number[])[],
  outputs: readonly (readonly number[])[],
): number | undefined {
  const size = (shape: readonly number[] | undefined): number => (shape ?? []).reduce((a, b) => a * b, 1);
  const [a, b] = inputs;
  const [out] = outputs;
  // Every element of the left matrix meets one row of the result, whichever of the two is transposed.
  if (/^(BatchMatMul|_FusedMatMul)$/.test(name)) return 2 * size(a) * (out?.at(-1) ?? 0);
  if (/^(Conv2D|FusedConv2D|EngineConv2d)$/.test(name)) return (2 * size(out) * size(b)) / (b?.at(-1) ?? 1);
  if (name === 'DepthwiseConv2dNative') return 2 * size(out) * (b![0] ?? 1) * (b![1] ?? 1);
  if (name === 'Conv2DBackpropInput') return (2 * size(a) * size(b)) / (b?.at(-1) ?? 1);
  if (name === 'Conv2DBackpropFilter') return (2 * size(b) * size(out)) / (out?.at(-1) ?? 1);
  if (name === 'EngineConv2dGrad') {
    const [dy, , filter] = inputs;
    const images = outputs.filter((shape) => shape.length === 4).length;
    return (images * 2 * size(dy) * size(filter)) / (filter?.at(-1) ?? 1);
  }
  return undefined;
}
