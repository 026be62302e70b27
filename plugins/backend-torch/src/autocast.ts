import { tf, type AutocastDtype, type Tensor } from '@engine/tensor';

import { aten } from './aten.js';
import type { EngineTorch } from './engine-torch.js';
import { SCALAR, type Storage } from './storage.js';

let current: AutocastDtype = 'float32';

/** Sets what lower-precision kernels compute in, and returns what it was. */
export function setAutocast(dtype: AutocastDtype): AutocastDtype {
  const before = current;
  current = dtype;
  return before;
}

/** libtorch's number of the type in force; undefined outside of autocast. */
export function autocastScalar(): number | undefined {
  if (current === 'float32') return undefined;
  return current === 'bfloat16' ? SCALAR.bfloat16 : SCALAR.half;
}

export const isNarrow = (x: Storage): boolean => x.scalar === SCALAR.bfloat16 || x.scalar === SCALAR.half;

/**
 * A float32 tensor in a narrow type. Kept beside the tensor, since a weight is used in both passes and several times,
 * until the tensor is freed or overwritten.
 */
export function narrowed(x: Storage, scalar: number): Storage {
  if (x.cast?.scalar === scalar) return x.cast;
  x.dropCast();
  const cast = aten('to.dtype', x, scalar);
  cast.refCount = 1;
  x.cast = cast;
  return cast;
}

const NAMES = new Map<number, string>(Object.entries(SCALAR).map(([name, scalar]) => [scalar, name]));

/**
 * The type in which a tensor is stored, which tfjs does not know: `bfloat16` or `half` for what autocast made narrow.
 * For tensors of the torch backend, while it is the current one.
 */
export function storageDtype(tensor: Tensor): string {
  return NAMES.get((tf.backend() as EngineTorch).resolve(tensor.dataId).scalar)!;
}
