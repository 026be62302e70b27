import {
  isHostArray,
  reverseAxes,
  type HostArray,
  type HostData,
  type HostDType,
  type ThreeAxes,
} from '@engine/core';
import { tf, toTensor, type ParamLayout, type Tensor } from '@engine/tensor';

/**
 * Order of the axes of the memory layout in PyTorch's layout: axis i there is axis ORDER[i] here. The one place where
 * the two worlds' layouts meet.
 */
const TO_TORCH: Readonly<Record<ParamLayout, readonly number[] | undefined>> = {
  HWIO: [3, 2, 0, 1],
  HWOI: [3, 2, 0, 1],
  HWIM: [2, 3, 0, 1],
  IO: [1, 0],
  none: undefined,
};

const FROM_TORCH: Readonly<Record<ParamLayout, readonly number[] | undefined>> = {
  HWIO: [2, 3, 1, 0],
  HWOI: [2, 3, 1, 0],
  HWIM: [2, 3, 0, 1],
  IO: [1, 0],
  none: undefined,
};

/** A permutation of axes that is a reversal of three: which three, and the shape that results. */
export interface LayoutTurn {
  axes: ThreeAxes;
  shape: number[];
}

/**
 * What {@link toTorchLayout} does to an array of `shape`, for whoever does it later and elsewhere (see `reverseAxes` of
 * core); undefined when nothing changes.
 */
export function turnToTorch(shape: readonly number[], layout: ParamLayout): LayoutTurn | undefined {
  if (layout === 'none') return undefined;
  if (layout === 'IO') return { axes: [shape[0]!, 1, shape[1]!], shape: [shape[1]!, shape[0]!] };
  const [h, w, i, o] = shape as [number, number, number, number];
  return layout === 'HWIM'
    ? { axes: [h * w, 1, i * o], shape: [i * o, 1, h, w] }
    : { axes: [h * w, i, o], shape: [o, i, h, w] };
}

/** The inverse: `shape` is PyTorch's, `inputs` the input channels of `HWIM`. */
function turnFromTorch(
  shape: readonly number[],
  layout: ParamLayout,
  inputs: number | undefined,
): LayoutTurn {
  if (layout === 'IO') return { axes: [shape[0]!, 1, shape[1]!], shape: [shape[1]!, shape[0]!] };
  const [o, i, h, w] = shape as [number, number, number, number];
  return layout === 'HWIM'
    ? { axes: [o, 1, h * w], shape: [h, w, inputs ?? o, o / (inputs ?? o)] }
    : { axes: [o, i, h * w], shape: [h, w, i, o] };
}

/**
 * From the layout in memory to PyTorch's: `HWIO` → OIHW, `HWOI` → IOHW, `HWIM` → (I·M)1HW, `IO` → OI. With layout
 * `none` the value itself comes back; otherwise a new tensor (the caller's) or array.
 */
export function toTorchLayout<T extends HostArray | Tensor>(value: T, layout: ParamLayout): T {
  const order = TO_TORCH[layout];
  const turn = turnToTorch(value.shape, layout);
  if (!order || !turn) return value;
  if (isHostArray(value)) return reverseAxes(value, turn.axes, turn.shape) as T;
  return tf.tidy(() => tf.reshape(tf.transpose(value, [...order]), turn.shape)) as T;
}

/**
 * From PyTorch's layout to the one in memory, the inverse of {@link toTorchLayout}.
 * @param shape shape in memory, needed for `HWIM`, whose split into inputs and multipliers PyTorch does not record
 */
export function fromTorchLayout<T extends HostArray | Tensor>(
  value: T,
  layout: ParamLayout,
  shape?: readonly number[],
): T {
  const order = FROM_TORCH[layout];
  if (!order) return value;
  const turn = turnFromTorch(value.shape, layout, shape?.[2]);
  if (isHostArray(value)) return reverseAxes(value, turn.axes, turn.shape) as T;
  if (layout !== 'HWIM') return tf.transpose(value, [...order]) as T;
  const [rows, , h, w] = value.shape as [number, number, number, number];
  const inputs = shape?.[2] ?? rows;
  return tf.tidy(() => tf.transpose(tf.reshape(value, [inputs, rows / inputs, h, w]), [...order])) as T;
}

/** What a backend says of itself. */
interface TurningBackend {
  /** Whether it turns arrays faster than one thread of the host does. */
  readonly turnsFast?: boolean;
}

/**
 * An array in PyTorch's layout that passes for one in the layout of memory: it is turned when it is looked at, or on the
 * device where that is faster.
 */
export class TorchArray implements HostArray {
  readonly dtype: HostDType;
  readonly shape: readonly number[];
  private readonly axes: ThreeAxes;

  /**
   * @param source in PyTorch's layout
   * @param shape in memory, needed for `HWIM`; see {@link fromTorchLayout}
   */
  constructor(
    private readonly source: HostArray,
    layout: Exclude<ParamLayout, 'none'>,
    shape?: readonly number[],
  ) {
    this.dtype = source.dtype;
    ({ axes: this.axes, shape: this.shape } = turnFromTorch(source.shape, layout, shape?.[2]));
  }

  get data(): HostData {
    return reverseAxes(this.source, this.axes, this.shape).data;
  }

  /** A tensor in the layout of memory, packed; the caller's. */
  toTensor(dtype: 'float32' | 'int32' | 'bool'): Tensor {
    if (!(tf.backend() as TurningBackend).turnsFast)
      return toTensor({ ...this.plain(), data: this.data }, dtype);
    return tf.tidy(() => {
      const turned = tf.transpose(tf.reshape(toTensor(this.source, dtype), [...this.axes]), [2, 1, 0]);
      // Flat first: otherwise a backend may give the axes another order instead of the elements.
      return tf.reshape(tf.reshape(turned, [-1]), [...this.shape]);
    });
  }

  private plain(): Omit<HostArray, 'data'> {
    return { dtype: this.dtype, shape: this.shape };
  }
}
