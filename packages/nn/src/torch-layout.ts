import { isHostArray, sizeOf, type HostArray, type HostData } from '@engine/core';
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

function transposed(array: HostArray, order: readonly number[]): HostArray {
  const { shape, data } = array;
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const outShape = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const out = new (data.constructor as new (length: number) => HostData)(data.length);
  const index = outShape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!;
    for (let axis = outShape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < outShape[axis]!) break;
      from -= steps[axis]! * outShape[axis]!;
      index[axis] = 0;
    }
  }
  return { dtype: array.dtype, shape: outShape, data: out };
}

function permute(value: HostArray | Tensor, order: readonly number[]): HostArray | Tensor {
  return isHostArray(value) ? transposed(value, order) : tf.transpose(value, [...order]);
}

/**
 * From the layout in memory to PyTorch's: `HWIO` → OIHW, `HWOI` → IOHW, `HWIM` → (I·M)1HW, `IO` → OI. With layout
 * `none` the value itself comes back; otherwise a new tensor (the caller's) or array.
 */
export function toTorchLayout<T extends HostArray | Tensor>(value: T, layout: ParamLayout): T {
  const order = TO_TORCH[layout];
  if (!order) return value;
  if (layout !== 'HWIM') return permute(value, order) as T;
  const [h, w, i, m] = value.shape as [number, number, number, number];
  return viaTidy(value, (it) => reshape(permute(it, order), [i * m, 1, h, w])) as T;
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
  if (layout !== 'HWIM') return permute(value, order) as T;
  const [rows, , h, w] = value.shape as [number, number, number, number];
  const inputs = shape ? shape[2]! : rows;
  return viaTidy(value, (it) => permute(reshape(it, [inputs, rows / inputs, h, w]), order)) as T;
}

function viaTidy(
  value: HostArray | Tensor,
  fn: (value: HostArray | Tensor) => HostArray | Tensor,
): HostArray | Tensor {
  return isHostArray(value) ? fn(value) : tf.tidy(() => fn(value) as Tensor);
}

function reshape(value: HostArray | Tensor, shape: number[]): HostArray | Tensor {
  return isHostArray(value) ? { dtype: value.dtype, shape, data: value.data } : tf.reshape(value, shape);
}
