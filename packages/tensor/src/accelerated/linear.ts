import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { isConstant } from '../no-grad.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor2D } from '../tf.js';

/** Rows of features: [..., I] → [M, I]. */
const rows = (x: Tensor): Tensor2D => tf.reshape(x, [-1, x.shape[x.rank - 1]!]);

interface Needs {
  needInput: boolean;
  needWeight: boolean;
  needBias: boolean;
}

defineAccelerated({
  name: 'EngineLinear',
  reference: ({ x, weight, bias }) =>
    tf.tidy(() => {
      const y = tf.fused.matMul({ a: rows(x!), b: weight as Tensor2D, ...(bias ? { bias } : {}) });
      return tf.reshape(y, [...x!.shape.slice(0, -1), weight!.shape[1]!]);
    }),
  gradient: {
    inputsToSave: ['x', 'weight'],
    gradFunc: (dy, saved, attrs) => {
      const [x, weight] = saved as [Tensor, Tensor];
      const compute = (needs: Needs): (Tensor | undefined)[] => {
        const inputs = { dy: dy as Tensor, x, weight };
        const found = runAccelerated<Tensor[]>('EngineLinearGrad', inputs, { ...needs });
        return [needs.needInput, needs.needWeight, needs.needBias].map((need) =>
          need ? found.shift() : undefined,
        );
      };
      const only = (name: keyof Needs): Needs => ({
        ...{ needInput: false, needWeight: false, needBias: false },
        [name]: true,
      });
      // One call for all gradients that are expected, made now: what a thunk makes dies with the thunk's scope.
      const [dx, dweight, dbias] = compute({
        needInput: attrs['inputGrad'] !== false,
        needWeight: attrs['weightGrad'] !== false,
        needBias: attrs['biasGrad'] === true,
      });
      return {
        x: () => dx ?? compute(only('needInput'))[0]!,
        weight: () => dweight ?? compute(only('needWeight'))[1]!,
        bias: () => dbias ?? compute(only('needBias'))[2]!,
      };
    },
  },
});

/** Outputs: those of dx, dweight and dbias that are needed, in this order. */
defineAccelerated({
  name: 'EngineLinearGrad',
  reference({ dy, x, weight }, attrs) {
    const { needInput, needWeight, needBias } = attrs as unknown as Needs;
    return tf.tidy(() => {
      const g = rows(dy!);
      const results: Tensor[] = [];
      if (needInput) results.push(tf.reshape(tf.matMul(g, weight as Tensor2D, false, true), x!.shape));
      if (needWeight) results.push(tf.matMul(rows(x!), g, true));
      if (needBias) results.push(tf.sum(g, 0));
      return results;
    });
  },
});

/**
 * x · weight + bias over the last axis, with all gradients from one call.
 * @param x [..., I]
 * @param weight [I, O]
 * @param bias [O]
 * @returns [..., O]
 * @throws E_CONFIG_VALUE when the sizes do not fit
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [inputs, outputs] = weight.shape;
  if (x.shape[x.rank - 1] !== inputs || (bias && bias.size !== outputs)) {
    throw badValue('linear.x.shape', x.shape, `[..., ${inputs}] for a weight [${weight.shape.join(', ')}]`);
  }
  const given = x.dtype === 'float32' ? x : tf.cast(x, 'float32');
  return runAccelerated<Tensor>('EngineLinear', bias ? { x: given, weight, bias } : { x: given, weight }, {
    inputGrad: !isConstant(x),
    weightGrad: !isConstant(weight),
    biasGrad: bias !== undefined && !isConstant(bias),
  });
}
