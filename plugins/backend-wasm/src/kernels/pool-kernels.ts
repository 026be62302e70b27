import { tf } from '@engine/tensor';
import { KERNEL, type KernelId } from '../kernel-ids.js';
import type { KernelCall, WasmKernel } from './install.js';

interface PoolAttrs {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function gradient(kernel: KernelId, { backend, inputs, attrs }: KernelCall): tf.TensorInfo {
  const { dy, input } = inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttrs;
  const info = tf.backend_util.computePool2DInfo(
    input.shape as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const dx = backend.output(input.shape);
  backend.runtime.run(
    kernel,
    info.batchSize,
    [
      ...[dy, input, dx].map((tensor) => backend.address(tensor)),
      info.inHeight,
      info.inWidth,
      info.inChannels,
      info.outHeight,
      info.outWidth,
      info.effectiveFilterHeight,
      info.effectiveFilterWidth,
      info.strideHeight,
      info.strideWidth,
      info.padInfo.top,
      info.padInfo.left,
      1,
      1,
      0,
    ],
    tf.util.sizeFromShape(dy.shape) * info.filterHeight * info.filterWidth,
  );
  return dx;
}

/**
 * Gradients of pooling. The average's is that of what the forward pass computes, which leaves padding out of the average;
 * tfjs's cpu backend spreads over the whole window instead.
 */
export function poolKernels(): WasmKernel[] {
  return [
    { name: 'MaxPoolGrad', run: (call) => gradient(KERNEL.maxPoolGrad, call) },
    { name: 'AvgPoolGrad', run: (call) => gradient(KERNEL.avgPoolGrad, call) },
  ];
}
