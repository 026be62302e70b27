import { createRequire } from 'node:module';

// Required rather than imported: an import searches all its megabytes for the names it exports, which costs memory and
// time at every start.
import tf = require('@tensorflow/tfjs-core');

// tfjs-core alone registers no gradients and no chained operators in Node; the union package does, on the same engine.
createRequire(import.meta.url)('@tensorflow/tfjs');

// tfjs's own cpu backend prints an advertisement on its first write in Node.
const quiet = (backend: object): object => Object.assign(backend, { firstUse: false });
const entry = tf.engine().registryFactory['cpu'];
if (entry) {
  const { factory } = entry;
  entry.factory = () => quiet(factory()) as ReturnType<typeof factory>;
  const existing = tf.engine().registry['cpu'] as object | undefined;
  if (existing) quiet(existing);
}

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
// The chained operators' types.
export type {} from '@tensorflow/tfjs';
