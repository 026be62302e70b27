import { badValue } from '@engine/core';
import {
  defineAccelerated,
  isConstant,
  runAccelerated,
  tf,
  type Tensor,
  type Tensor2D,
} from '@engine/tensor';

/** Rows of features: [..., I] → [M, I]. */
const rows = (x: Tensor): Tensor2D => tf.reshape(x, [-1, x.shape[x.rank - 1]!]);

defineAccelerated({
  name: 'EngineLinear',
  reference({ x, weight, bias }) {
    return tf.tidy(() => {
      const product = tf.matMul(rows(x!), weight as Tensor2D);
      const y = bias ? tf.add(product, bias) : product;
      return tf.reshape(y, [...x!.shape.slice(0, -1), weight!.shape[1]!]);
    });
  },
  gradient: {
    inputsToSave: ['x', 'weight'],
    gradFunc: (dy, saved, attrs) => {
      const [x, weight] = saved as [Tensor, Tensor];
      const compute = (needInput: boolean, needBias: boolean): Tensor[] =>
        runAccelerated('EngineLinearGrad', { dy: dy as Tensor, x, weight }, { needInput, needBias });
      const [dweight, ...others] = compute(attrs['inputGrad'] === true, attrs['withBias'] === true);
      const dx = attrs['inputGrad'] ? others.shift() : undefined;
      return {
        x: () => dx ?? compute(true, false)[1]!,
        weight: () => dweight!,
        bias: () => others[0]!,
      };
    },
  },
});

defineAccelerated({
  name: 'EngineLinearGrad',
  reference({ dy, x, weight }, { needInput, needBias }) {
    return tf.tidy(() => {
      const g = rows(dy!);
      const results: Tensor[] = [tf.matMul(rows(x!), g, true)];
      if (needInput) results.push(tf.reshape(tf.matMul(g, weight as Tensor2D, false, true), x!.shape));
      if (needBias) results.push(tf.sum(g, 0));
      return results;
    });
  },
});

/**
 * x · weight + bias over the last axis, all gradients from one call.
 * @param x [..., I]
 * @param weight [I, O]
 * @param bias [O]
 * @returns [..., O]
 * @throws E_CONFIG_VALUE when the sizes do not fit
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  if (x.shape[x.rank - 1] !== weight.shape[0]) {
    throw badValue(
      'linear.x.shape',
      x.shape,
      `[..., ${weight.shape[0]}] for a weight [${weight.shape.join(', ')}]`,
    );
  }
  const attrs = { inputGrad: !isConstant(x), withBias: bias !== undefined };
  return runAccelerated<Tensor>('EngineLinear', bias ? { x, weight, bias } : { x, weight }, attrs);
}
