import { badValue, checkKeys, EngineError } from '@engine/core';
import { clipByGlobalNorm, clipByValue, type Scalar, type Tensor } from '@engine/tensor';
import { requireNonNegative } from './checks.js';

/** How gradients are limited before an update; all parameters together. */
export interface ClipGradOptions {
  /** `norm` or `value`; `value` when `clipValue` is given, else `norm`. */
  type?: 'norm' | 'value';
  /** Largest norm of all gradients together. */
  maxNorm?: number;
  /** Order of the norm; 2. `Infinity` (or `'inf'`, for config files) is the largest absolute value. */
  normType?: number | 'inf';
  /**
   * Refuse gradients whose norm is NaN or infinite instead of clipping by it; false. The norm is read back from the
   * device in every update, which waits for it.
   */
  errorIfNonfinite?: boolean;
  /** Every gradient element is cut to [-clipValue, clipValue]. */
  clipValue?: number;
}

/** Clips a list of gradients; the results belong to the surrounding scope. */
export interface GradClipper {
  /**
   * @returns gradients in the same order, and the norm before clipping where one is computed
   * @throws E_OPTIM_NONFINITE where `errorIfNonfinite` asks for it
   */
  clip(grads: readonly Tensor[]): { grads: Tensor[]; norm?: Scalar };
}

/**
 * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE
 */
export function createGradClipper(options: ClipGradOptions): GradClipper {
  checkKeys('clipGrad', options, ['type', 'maxNorm', 'normType', 'errorIfNonfinite', 'clipValue']);
  const type = options.type ?? (options.clipValue === undefined ? 'norm' : 'value');
  if (type === 'value') {
    checkKeys("clipGrad of type 'value'", options, ['type', 'clipValue']);
    requireNonNegative('clipGrad.clipValue', options.clipValue);
    const limit = options.clipValue!;
    return { clip: (grads) => ({ grads: clipByValue(grads, limit) }) };
  }
  if (type !== 'norm') throw badValue('clipGrad.type', type, "'norm' or 'value'");
  checkKeys("clipGrad of type 'norm'", options, ['type', 'maxNorm', 'normType', 'errorIfNonfinite']);
  requireNonNegative('clipGrad.maxNorm', options.maxNorm);
  const order = options.normType === 'inf' ? Infinity : (options.normType ?? 2);
  if (typeof order !== 'number' || !(order > 0)) {
    throw badValue('clipGrad.normType', options.normType, "a number above 0, Infinity or 'inf'");
  }
  const { maxNorm, errorIfNonfinite = false } = options;
  if (typeof errorIfNonfinite !== 'boolean')
    throw badValue('clipGrad.errorIfNonfinite', errorIfNonfinite, 'true or false');
  return {
    clip(grads) {
      const clipped = clipByGlobalNorm(grads, maxNorm!, { normType: order });
      if (errorIfNonfinite) requireFinite(clipped.norm, order);
      return clipped;
    },
  };
}

function requireFinite(norm: Scalar, order: number): void {
  const value = norm.dataSync()[0]!;
  if (Number.isFinite(value)) return;
  throw new EngineError({
    code: 'E_OPTIM_NONFINITE',
    what: `The norm of order ${order} of all gradients is not finite, so they cannot be clipped by it.`,
    received: `norm = ${value}`,
    expected: 'a finite norm, as clipGrad.errorIfNonfinite asks for',
    fix: 'look for the parameter with NaNGuardHook, or lower the learning rate',
  });
}
