import { tf } from '@engine/tensor';

import { aten } from '../aten.js';
import { matmul } from '../gemm.js';
import { SCALAR, type Storage } from '../storage.js';
import { prelu } from './elementwise.js';
import { kernel, on } from './define.js';

interface Transposes {
  transposeA: boolean;
  transposeB: boolean;
}

/** Leading axes of both as one: [..., M, K] · [..., K, N], the leading ones broadcast. */
function batched(a: Storage, b: Storage, { transposeA, transposeB }: Transposes, bias?: Storage): Storage {
  const leading = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const spread = (x: Storage): Storage => {
    const tail = x.shape.slice(-2);
    if (x.rank === 3 && leading.length === 1 && x.shape[0] === leading[0]) return x;
    if (leading.length === 0) return x;
    return aten('reshape', aten('expand', x, [...leading, ...tail]), [-1, ...tail]);
  };
  const product = matmul(spread(a), spread(b), transposeA, transposeB, bias);
  return leading.length <= 1 ? product : aten('reshape', product, [...leading, ...product.shape.slice(-2)]);
}

/** Products of integers go through double precision: exact to 2^53, and wrapped to 32 bits like tfjs's own. */
function multiply(a: Storage, b: Storage, attrs: Transposes): Storage {
  if (a.isFloat && b.isFloat) return batched(a, b, attrs);
  const wide = (x: Storage, flip: boolean): Storage => {
    const y = aten('to.dtype', x, SCALAR.double);
    return flip ? aten('transpose.int', y, -2, -1) : y;
  };
  const product = aten('matmul', wide(a, attrs.transposeA), wide(b, attrs.transposeB));
  return aten('to.dtype', product, a.scalar === SCALAR.bool ? SCALAR.int32 : a.scalar);
}

kernel<Transposes>('BatchMatMul', ({ a, b }, attrs) => multiply(on(a), on(b), attrs));

/** What tfjs's fused kernels can end with. */
export function activate(
  x: Storage,
  activation: string | undefined,
  weights: Storage | undefined,
  leakyreluAlpha?: number,
): Storage {
  switch (activation ?? 'linear') {
    case 'linear':
      return x;
    case 'relu':
      return aten('relu', x);
    case 'relu6':
      return aten('clamp', x, 0, 6);
    case 'elu':
      return aten('elu', x, 1, 1, 1);
    case 'prelu':
      return prelu(x, weights!);
    case 'leakyrelu':
      return aten('leaky_relu', x, leakyreluAlpha ?? 0.2);
    case 'sigmoid':
      return aten('sigmoid', x);
    default:
      throw new TypeError(`Activation ${activation} has not been implemented for the torch backend.`);
  }
}

kernel<Transposes & { activation?: string; leakyreluAlpha?: number }>('_FusedMatMul', (inputs, attrs) => {
  const { a, b, bias, preluActivationWeights } = inputs;
  const product = multiply(on(a), on(b), attrs);
  const sum = bias ? aten('add.Tensor', product, on(bias), 1) : product;
  const weights = preluActivationWeights && on(preluActivationWeights);
  return activate(sum, attrs.activation, weights, attrs.leakyreluAlpha);
});

kernel<{ equation: string }>('Einsum', (inputs, { equation }) => {
  const tensors = Object.values(inputs).map(on);
  // tfjs's own checks and words for what it does not allow.
  const { allDims, summedDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as never);
  tf.backend_util.getEinsumComputePath(summedDims, idDims);
  return aten('einsum', equation.replace(/\s/g, ''), tensors);
});
