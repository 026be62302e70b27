import { EngineError, listNames, nearest, show } from '@engine/core';

import { defineAccelerated, runAccelerated } from './accelerated.js';
import { tf } from './tf.js';
import type { Tensor } from './tf.js';

/** Element types that autocast may compute in. `float32` is the ordinary one: what is narrow stays outside. */
export type AutocastDtype = 'float32' | 'bfloat16' | 'float16';

const DTYPES: readonly AutocastDtype[] = ['float32', 'bfloat16', 'float16'];

/** What a tfjs backend offers that can store tensors in narrow types; tfjs takes all of them for float32. */
export interface AutocastBackend {
  /** The narrow types of the device in use, the preferred one first. */
  autocastDtypes(): readonly AutocastDtype[];
  /** Sets the type for what runs from now on and returns the one before. */
  setAutocast(dtype: AutocastDtype): AutocastDtype;
}

function support(): AutocastBackend | undefined {
  const backend = tf.backend() as unknown as Partial<AutocastBackend>;
  return backend.setAutocast ? (backend as AutocastBackend) : undefined;
}

/** Narrow types that the current backend can autocast to, the preferred one first; none on most backends. */
export function autocastDtypes(): readonly AutocastDtype[] {
  return support()?.autocastDtypes() ?? [];
}

/** The type of the autocast in force; `float32` outside of one. */
export function currentAutocast(): AutocastDtype {
  const backend = support();
  const dtype = backend?.setAutocast('float32') ?? 'float32';
  backend?.setAutocast(dtype);
  return dtype;
}

/**
 * The type that autocast will use on the current backend: the one given, or its preferred one.
 * @param owner option that asks, for the message: `AmpOptimWrapper.dtype`
 * @throws E_AUTOCAST_DTYPE when the backend cannot compute in it
 */
export function requireAutocast(owner: string, dtype?: AutocastDtype): AutocastDtype {
  const possible = autocastDtypes();
  if (dtype === 'float32') return dtype;
  const chosen = dtype ?? possible[0];
  if (chosen !== undefined && possible.includes(chosen)) return chosen;
  const known = chosen === undefined || DTYPES.includes(chosen);
  const all = [...possible, 'float32'];
  throw new EngineError({
    code: 'E_AUTOCAST_DTYPE',
    what: known
      ? `The compute backend '${tf.getBackend()}' cannot compute in ${chosen ?? 'a type narrower than float32'} here.`
      : `There is no autocast to ${show(chosen)}.`,
    received: `${owner} = ${show(dtype)}`,
    expected: `${all.length === 1 ? '' : 'one of '}${listNames(all)}`,
    didYouMean: known ? undefined : nearest(String(chosen), DTYPES),
    fix: `say '${possible[0] ?? 'float32'}', or choose a device that can: device: 'torch' has bfloat16`,
  });
}

/**
 * Runs a function with mixed precision: matrix products and convolutions compute in `dtype` and give tensors stored in
 * it, which flow on as they are; what is sensitive (exponentials, powers, sums, losses) runs in float32, and where
 * types meet the wider one wins. tfjs takes all of them for float32, and reading gives float32. What the gradient
 * computes later follows the types of the forward pass; parameters stay float32. As `torch.autocast` (P. Micikevicius
 * et al. 2018, arXiv:1710.03740).
 *
 * `float32` inside of another autocast switches it off.
 * @throws E_AUTOCAST_DTYPE when the current backend cannot compute in `dtype`
 * @throws E_AUTOCAST_ASYNC when the function returns a promise
 */
export function autocast<T>(dtype: AutocastDtype, fn: () => T): T {
  requireAutocast('autocast.dtype', dtype);
  const backend = support();
  const before = backend?.setAutocast(dtype);
  try {
    const result = fn();
    if (result instanceof Promise) {
      throw new EngineError({
        code: 'E_AUTOCAST_ASYNC',
        what: 'The function given to autocast() returned a promise; what it computes later would not be autocast.',
        fix: 'wrap the synchronous part that computes',
      });
    }
    return result;
  } finally {
    if (before !== undefined) backend!.setAutocast(before);
  }
}

defineAccelerated({
  name: 'EngineToFloat32',
  reference: ({ x }) => tf.clone(x!),
  gradient: { gradFunc: (dy) => ({ x: () => tf.clone(dy as Tensor) }) },
});

/** The tensor stored in float32 whatever autocast made of it, as PyTorch's `x.float()`. Any shape. */
export function toFloat32<T extends Tensor>(x: T): T {
  return runAccelerated<Tensor>('EngineToFloat32', { x }) as T;
}
