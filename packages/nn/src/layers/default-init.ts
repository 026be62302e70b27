import type { RandomStream } from '@engine/core';
import { noGrad, randomUniform, type Variable } from '@engine/tensor';

import { kaimingStd, fans } from '../init/functions.js';
import { assign } from '../state-dict.js';

/** PyTorch's default for weights of convolutions and linear layers: uniform He initialisation with a = sqrt(5). */
export function resetWeight(weight: Variable, stream: RandomStream): void {
  const bound = Math.sqrt(3) * kaimingStd(weight, Math.sqrt(5), 'fan_in', 'leaky_relu');
  noGrad(() => assign(weight, randomUniform(weight.shape, stream, { low: -bound, high: bound })));
}

/** PyTorch's default for their biases: uniform in ±1 / sqrt(fanIn). */
export function resetBias(bias: Variable, weight: Variable, stream: RandomStream): void {
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  noGrad(() => assign(bias, randomUniform(bias.shape, stream, { low: -bound, high: bound })));
}
