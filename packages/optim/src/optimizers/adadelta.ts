import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import type { ParamRef } from '@engine/tensor';
import { requireNonNegative, requireWithin } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { descentOf, updateElementwise } from './elementwise.js';

export interface AdadeltaOptions {
  /** Factor on the step; 1. */
  lr?: number;
  /** Decay rate of the averages; 0.9. */
  rho?: number;
  /** Added to the denominator; 1e-6. */
  eps?: number;
  /** L2 penalty; 0. */
  weightDecay?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Adadelta: AdadeltaOptions;
  }
}

const DEFAULTS: Required<AdadeltaOptions> = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false };

/**
 * Steps in the units of the parameters, from running averages of squared gradients and squared steps;
 * `torch.optim.Adadelta`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701
 */
@register(OPTIMIZERS)
export class Adadelta extends Optimizer {
  constructor(params: ParamsInput, options: AdadeltaOptions = {}) {
    checkKeys('Adadelta', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps', 'weightDecay']) requireNonNegative(`Adadelta.${key}`, group[key]);
    requireWithin('Adadelta.rho', group.rho, 0, 1);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { square_avg: newBuffer(param), acc_delta: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, rho, eps, weightDecay, maximize } = batch.group as ParamGroup & Required<AdadeltaOptions>;
    updateElementwise(batch, ['square_avg', 'acc_delta'], (x) => {
      const grad = descentOf(x, weightDecay, maximize);
      const squares = x.square_avg.decayAdd(rho, grad.square(), 1 - rho);
      const delta = x.acc_delta.add(eps).sqrt().div(squares.add(eps).sqrt()).mul(grad);
      return {
        param: x.param.sub(delta.mul(lr)),
        square_avg: squares,
        acc_delta: x.acc_delta.decayAdd(rho, delta.square(), 1 - rho),
      };
    });
  }
}
