import { tf, type Tensor } from '@engine/tensor';
import { KERNEL } from '../kernel-ids.js';
import { einsum } from './einsum.js';
import type { KernelCall, WasmKernel } from './install.js';

const PARTS = 16;

function segmentSum({ backend, inputs, attrs }: KernelCall): tf.TensorInfo {
  const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
  const segments = attrs['numSegments'] as number;
  const rows = tf.util.sizeFromShape(segmentIds.shape);
  const rest = x.shape.slice(segmentIds.shape.length);
  const columns = tf.util.sizeFromShape(rest);
  const values = x.dtype === 'float32' ? x : (tf.cast(x as Tensor, 'float32') as tf.TensorInfo);
  const output = backend.output([segments, ...rest]);
  const parts = Math.max(1, Math.min(segments, PARTS));
  backend.runtime.run(
    KERNEL.segmentSum,
    parts,
    [
      ...[values, segmentIds, output].map((tensor) => backend.address(tensor)),
      rows,
      columns,
      segments,
      parts,
    ],
    rows * columns + segments * columns,
  );
  return output;
}

/** Kernels that tfjs's wasm backend lacks: the gradient of gather, and einsum. */
export function gatherKernels(): WasmKernel[] {
  return [
    { name: 'UnsortedSegmentSum', run: segmentSum },
    {
      name: 'Einsum',
      run: ({ inputs, attrs }) => einsum(Object.values(inputs) as Tensor[], attrs['equation'] as string),
    },
  ];
}
