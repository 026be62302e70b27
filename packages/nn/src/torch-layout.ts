import { isHostArray, reverseAxes, type HostArray, type ThreeAxes } from '@engine/core';
import { tf, type ParamLayout, type Tensor } from '@engine/tensor';

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
