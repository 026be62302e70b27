import type { tf } from '@engine/tensor';

import { aten, toScalar } from '../aten.js';
import { SCALAR } from '../storage.js';
import { kernel, on } from './define.js';

kernel<tf.SoftmaxAttrs>('Softmax', ({ logits }, { dim }) => {
  const x = on(logits);
  return aten('_softmax', x.isFloat ? x : toScalar(x, SCALAR.float32), dim, false);
});
kernel<tf.LogSoftmaxAttrs>('LogSoftmax', ({ logits }, { axis }) =>
  aten('_log_softmax', on(logits), axis, false),
);

kernel<tf.FusedBatchNormAttrs>('FusedBatchNorm', (inputs, { varianceEpsilon }) => {
  const { x, mean, variance, offset, scale } = inputs;
  const inverse = aten('rsqrt', aten('add.Scalar', on(variance), varianceEpsilon ?? 0.001, 1));
  const factor = scale ? aten('mul.Tensor', inverse, on(scale)) : inverse;
  const y = aten('mul.Tensor', aten('sub.Tensor', on(x), on(mean), 1), factor);
  return offset ? aten('add.Tensor', y, on(offset), 1) : y;
});
