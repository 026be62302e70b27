import {
  decayAndAdd,
  newBuffer,
  Optimizer,
  requireBetas,
  requireNonNegative,
  updateElementwise,
  type ParamGroup,
  type UpdateBatch,
} from '@engine/optim';
import type { ParamRef, Tensor, Variable } from '@engine/tensor';

/** Options that the members of the family share. */
export interface SophiaOptions {
  /** Learning rate; 1e-4. */
  lr?: number;
  /** Decay rates of the averages of the gradient and of the Hessian's diagonal; [0.965, 0.99]. */
  betas?: readonly [number, number];
  /** Decoupled weight decay; 0.1. */
  weightDecay?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

/**
 * Base of the family: momentum divided by a running estimate of the Hessian's diagonal, each element clipped to 1.
 * Steps do not touch the estimate; {@link SophiaOptimizer.updateHessian} does, every ten steps or so.
 */
export abstract class SophiaOptimizer extends Optimizer {
  private estimating = false;

  /** The scale that the Hessian's diagonal is multiplied by before it divides the momentum. */
  protected abstract hessianScale(group: ParamGroup): number;

  /** One element-wise estimate of the Hessian's diagonal. */
  protected abstract estimate(value: Tensor): Tensor;

  /**
   * Moves the running estimate of the Hessian's diagonal by `betas[1]`. Counts as no step and changes no parameter;
   * frozen parameters and those without a value are left alone.
   * @param values for each variable, of its shape, what the estimator of the class asks for
   */
  updateHessian(values: ReadonlyMap<Variable, Tensor>): void {
    this.estimating = true;
    try {
      super.step(values);
      this.stepCount--;
    } finally {
      this.estimating = false;
    }
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'weightDecay']) requireNonNegative(`${this.name}.${key}`, group[key]);
    requireBetas(`${this.name}.betas`, group.betas);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param), hessian: newBuffer(param) }, numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    const { lr, betas, weightDecay, maximize } = batch.group as ParamGroup & Required<SophiaOptions>;
    if (this.estimating) {
      batch.states.forEach((state, i) => {
        state.step--;
        decayAndAdd(state.buffers.hessian!, betas[1], this.estimate(batch.grads[i]!), 1 - betas[1]);
      });
      return;
    }
    const scale = this.hessianScale(batch.group);
    updateElementwise(batch, ['exp_avg', 'hessian'], (x) => {
      const average = x.exp_avg.decayAdd(betas[0], maximize ? x.grad.neg() : x.grad, 1 - betas[0]);
      const curvature = x.hessian.max(0).mul(scale).add(1e-15);
      const ratio = average.abs().div(curvature).min(1);
      const start = x.param.mul(1 - lr * weightDecay);
      return { param: start.sub(average.sign().mul(ratio).mul(lr)), exp_avg: average };
    });
  }
}
