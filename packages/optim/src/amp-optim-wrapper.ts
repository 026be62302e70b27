import { badValue, checkKeys, OPTIM_WRAPPERS, register } from '@engine/core';
import {
  autocast,
  requireAutocast,
  toFloat32,
  unscaleGradients,
  type AutocastDtype,
  type LossResult,
  type Scalar,
  type Tensor,
  type TensorState,
  type Variable,
} from '@engine/tensor';
import { GradScaler, type GradScalerOptions, type GradScalerState } from './grad-scaler.js';
import { lossGradients, type Gradients } from './gradients.js';
import { OptimWrapper, type OptimWrapperOptions } from './optim-wrapper.js';
import type { Optimizer } from './optimizer.js';

export interface AmpOptimWrapperOptions extends OptimWrapperOptions {
  /**
   * What autocast computes in: `bfloat16`, `float16`, or `float32` for none; what the backend prefers (float16 on a
   * GPU, bfloat16 on a processor).
   */
  dtype?: AutocastDtype;
  /**
   * Factor of the loss against gradients too small for the type: a number, `dynamic` with the values of PyTorch's
   * GradScaler, or values of one's own. `dynamic` with float16; none (`null`) with the other types, whose exponents
   * reach as far as float32's.
   */
  lossScale?: number | 'dynamic' | GradScalerOptions | null;
}

declare module '@engine/core' {
  interface OptimWrapperTypes {
    AmpOptimWrapper: AmpOptimWrapperOptions;
  }
}

/**
 * An {@link OptimWrapper} for mixed precision: the loss is computed under autocast, and scaled where the type needs it.
 * Parameters, their gradients and the optimizer stay float32.
 *
 * With a loss scale, gradients are divided by it before clipping, and a step in which one of them is not finite
 * updates nothing (it reports no `grad_norm`, and does not count in `optimizerSteps`); this costs one number read from
 * the device for each update, without a scale nothing is read. Schedulers step all the same.
 */
@register(OPTIM_WRAPPERS)
export class AmpOptimWrapper extends OptimWrapper {
  readonly dtype: AutocastDtype;
  private readonly scaler: GradScaler | undefined;

  /**
   * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE; E_AUTOCAST_DTYPE when the current backend cannot compute in `dtype`
   */
  constructor(optimizer: Optimizer, options: AmpOptimWrapperOptions = {}) {
    checkKeys('AmpOptimWrapper', options, ['accumulativeCounts', 'clipGrad', 'dtype', 'lossScale']);
    const { dtype, lossScale, ...rest } = options;
    super(optimizer, rest);
    this.dtype = requireAutocast('AmpOptimWrapper.dtype', dtype);
    this.scaler = scalerOf(lossScale === undefined && this.dtype === 'float16' ? 'dynamic' : lossScale);
    if (this.scaler && optimizer.needsClosure)
      throw badValue(
        'AmpOptimWrapper.lossScale',
        lossScale,
        `none beside ${optimizer.name}, which compares losses`,
      );
  }

  /** The factor of the loss in force; 1 without scaling. */
  get lossScale(): number {
    return this.scaler?.scale ?? 1;
  }

  /** Runs a function under autocast. */
  override optimContext<T>(fn: () => T): T {
    return autocast(this.dtype, fn);
  }

  protected override gradients(compute: () => LossResult, variables: Variable[], factor: number): Gradients {
    const scaled = factor * this.lossScale;
    const { logVars, loss, grads } = lossGradients(
      () => this.optimContext(compute),
      variables,
      scaled === 1 ? undefined : scaled,
    );
    for (const [variable, grad] of grads) grads.set(variable, toFloat32(grad));
    return { logVars, loss, grads };
  }

  protected override apply(grads: Map<Variable, Tensor>): Scalar | undefined {
    if (!this.scaler) return super.apply(grads);
    const found = unscaleGradients([...grads.values()], 1 / this.scaler.scale);
    const overflow = found.overflow.dataSync()[0] !== 0;
    this.scaler.update(overflow);
    if (overflow) return undefined;
    return super.apply(new Map([...grads.keys()].map((variable, i) => [variable, found.grads[i]!])));
  }

  /** With the state of the loss scale as `lossScaler`. */
  override stateDict(): TensorState {
    const { tensors, json } = super.stateDict();
    return { tensors, json: { ...(json as object), lossScaler: this.scaler?.stateDict() ?? null } };
  }

  /** A state without a loss scale, of another wrapper, leaves this one's as it is. */
  override loadStateDict(state: TensorState): void {
    super.loadStateDict(state);
    const { lossScaler } = state.json as { lossScaler?: GradScalerState | null };
    if (lossScaler) this.scaler?.loadStateDict(lossScaler);
  }
}

function scalerOf(lossScale: AmpOptimWrapperOptions['lossScale']): GradScaler | undefined {
  const owner = 'AmpOptimWrapper.lossScale';
  if (lossScale === undefined || lossScale === null) return undefined;
  if (lossScale === 'dynamic') return new GradScaler(owner);
  if (typeof lossScale === 'number') return new GradScaler(owner, { initScale: lossScale }, true);
  if (typeof lossScale === 'object') return new GradScaler(owner, lossScale);
  throw badValue(owner, lossScale, "'dynamic', a number, an object of values, or null");
}
