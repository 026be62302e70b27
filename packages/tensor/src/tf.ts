import tf from '../vendor/tfjs.cjs';

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
export type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
