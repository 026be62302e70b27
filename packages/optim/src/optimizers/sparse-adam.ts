import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, updateElements, type ParamRef, type Tensor } from '@engine/tensor';
import { requireBetas, requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { byStep } from './by-step.js';

export interface SparseAdamOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decay rates of the averages; [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; 1e-8. */
  eps?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    SparseAdam: SparseAdamOptions;
  }
}

const DEFAULTS: Required<SparseAdamOptions> = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, maximize: false };

/**
 * Adam that leaves rows without a gradient alone, with their averages: for embeddings of which a batch uses a few rows.
 * `torch.optim.SparseAdam`'s semantics, where a row of a dense gradient that is all 0 counts as having none.
 * @throws E_CONFIG_VALUE
 * @see Kingma and Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980
 */
@register(OPTIMIZERS)
export class SparseAdam extends Optimizer {
  constructor(params: ParamsInput, options: SparseAdamOptions = {}) {
    checkKeys('SparseAdam', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'eps']) requireNonNegative(`SparseAdam.${key}`, group[key]);
    requireBetas('SparseAdam.betas', group.betas);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param), exp_avg_sq: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, betas, eps, maximize } = batch.group as ParamGroup & Required<SparseAdamOptions>;
    const [beta1, beta2] = betas;
    for (const { step, variables, grads, states } of byStep(batch)) {
      const size = (lr * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
      const fields = {
        param: variables,
        grad: grads,
        used: grads.map(usedRows),
        mean: states.map((state) => state.buffers.exp_avg!),
        squares: states.map((state) => state.buffers.exp_avg_sq!),
      };
      updateElements<keyof typeof fields>(fields, (x) => {
        const grad = maximize ? x.grad.neg() : x.grad;
        const mean = x.mean.lerp(grad, 1 - beta1);
        const squares = x.squares.lerp(grad.square(), 1 - beta2);
        const moved = x.param.sub(mean.div(squares.sqrt().add(eps)).mul(size));
        return {
          param: x.used.select(moved, x.param),
          mean: x.used.select(mean, x.mean),
          squares: x.used.select(squares, x.squares),
        };
      });
    }
  }
}

/** 1 in the rows of which some element is not 0, in the gradient's shape. */
function usedRows(grad: Tensor): Tensor {
  const used = tf.notEqual(grad, 0);
  if (grad.rank < 2) return tf.cast(used, 'float32');
  const axes = grad.shape.map((_, axis) => axis).slice(1);
  return tf.mul(tf.cast(tf.any(used, axes, true), 'float32'), tf.onesLike(grad));
}
