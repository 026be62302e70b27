import { EngineError } from '@engine/core';
import { tf, type Tensor } from './tf.js';

/** What a backend may have to hand out a tensor's bytes without an array of its own in between. */
interface DirectReader {
  readInto?(dataId: object, target: Uint8Array): void;
  readStored?(dataId: object, target: Uint8Array): number;
}

/** Bytes that {@link readInto} writes for a tensor. */
export function byteSize(tensor: Tensor): number {
  return tensor.size * (tensor.dtype === 'bool' ? 1 : 4);
}

/**
 * Copies a float32, int32 or bool tensor to memory that the caller owns, waiting for the device. Where memory is reused
 * this is several times faster than making an array for each tensor.
 * @param target exactly {@link byteSize} bytes, row-major, little-endian
 * @throws E_TENSOR_DTYPE for a string or complex tensor, E_TENSOR_SIZE for a target of another size
 */
export function readInto(tensor: Tensor, target: Uint8Array): void {
  checkTarget(tensor, target);
  const reader = readerOf(tensor);
  if (reader?.readInto) {
    reader.readInto(tensor.dataId, target);
    return;
  }
  const { buffer, byteOffset, byteLength } = tensor.dataSync() as Float32Array;
  target.set(new Uint8Array(buffer, byteOffset, byteLength));
}

/**
 * Like {@link readInto}, in the order in which the elements lie on the device: bringing them into another one takes several
 * times as long as copying them.
 * @returns how many of the tensor's first axes come last in that order: 0 for row-major, 3 for a filter `[h, w, i, o]` that
 * lies there as `[o, h, w, i]`
 */
export function readStored(tensor: Tensor, target: Uint8Array): number {
  const reader = readerOf(tensor);
  if (!reader?.readStored) {
    readInto(tensor, target);
    return 0;
  }
  checkTarget(tensor, target);
  return reader.readStored(tensor.dataId, target);
}

/** The backend that holds the data, which need not be the one in force. */
function readerOf(tensor: Tensor): DirectReader | undefined {
  return tf.engine().state.tensorInfo.get(tensor.dataId)?.backend as DirectReader | undefined;
}

function checkTarget(tensor: Tensor, target: Uint8Array): void {
  if (tensor.dtype === 'string' || tensor.dtype === 'complex64') {
    throw new EngineError({
      code: 'E_TENSOR_DTYPE',
      what: 'Only float32, int32 and bool tensors can be copied to the host.',
      received: `a ${tensor.dtype} tensor of shape [${tensor.shape.join(', ')}]`,
    });
  }
  if (target.byteLength !== byteSize(tensor)) {
    throw new EngineError({
      code: 'E_TENSOR_SIZE',
      what: 'A tensor does not fit the memory that it is to be copied to.',
      received: `${target.byteLength} bytes`,
      expected: `${byteSize(tensor)} bytes for ${tensor.dtype} [${tensor.shape.join(', ')}]`,
    });
  }
}
