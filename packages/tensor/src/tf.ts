// tfjs-core alone registers no gradients and no chained operators in Node; the union package does, on the same engine.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';

// tfjs's own cpu backend prints an advertisement on its first write in Node.
const cpu = tf.findBackend('cpu') as { firstUse?: boolean } | undefined;
if (cpu) cpu.firstUse = false;

export { tf };
export type {
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  TensorInfo,
  NamedTensorMap,
  Rank,
  Scalar,
  TypedArray,
  Variable,
  DataType,
} from '@tensorflow/tfjs-core';
