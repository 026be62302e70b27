import { checkKeys, OPTIMIZERS, register } from '@engine/core';
import { newBuffer, Optimizer, requireNonNegative, requireWithin } from '@engine/optim';
import type { ParamGroup, ParamsInput, UpdateBatch } from '@engine/optim';
import { tf, type ParamRef } from '@engine/tensor';

export interface SignumOptions {
  /** Size of a step in every element; 1e-3. */
  lr?: number;
  /** Decay rate of the averaged gradient; 0.9. */
  momentum?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Signum: SignumOptions;
  }
}

/**
 * Steps along the sign of the averaged gradient.
 * @see Bernstein et al., "signSGD: Compressed Optimisation for Non-Convex Problems", arXiv:1802.04434, algorithm 2
 */
@register(OPTIMIZERS)
export class Signum extends Optimizer {
  constructor(params: ParamsInput, options: SignumOptions = {}) {
    checkKeys('Signum', options, ['lr', 'momentum']);
    super(params, { lr: options.lr ?? 1e-3, momentum: options.momentum ?? 0.9 });
  }

  protected checkGroup(group: ParamGroup): void {
    requireNonNegative('Signum.lr', group.lr);
    requireWithin('Signum.momentum', group.momentum, 0, 1);
  }

  protected override initState(param: ParamRef) {
    return { buffers: { exp_avg: newBuffer(param) }, numbers: {} };
  }

  protected update({ group, variables, grads, states }: UpdateBatch): void {
    const { lr, momentum } = group as ParamGroup & Required<SignumOptions>;
    variables.forEach((variable, i) => {
      const average = states[i]!.buffers.exp_avg!;
      average.assign(tf.add(tf.mul(average, momentum), tf.mul(grads[i]!, 1 - momentum)));
      variable.assign(tf.sub(variable, tf.mul(tf.sign(average), lr)));
    });
  }
}
