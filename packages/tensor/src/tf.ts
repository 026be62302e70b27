// tfjs-core alone registers no gradients and no chained operators in Node; the union package does, on the same engine.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';

export { tf };
export type { Tensor, Tensor1D, Tensor2D, Tensor4D, TensorInfo, NamedTensorMap, Rank, Scalar, TypedArray, Variable, DataType } from '@tensorflow/tfjs-core';
