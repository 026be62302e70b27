import { tf } from '@engine/tensor';
import type { EngineWasm } from '../engine-wasm.js';
import { RELU } from '../kernel-ids.js';
import { multiplyMatrices } from '../matmul.js';
import { tfjsKernel, type WasmKernel } from './install.js';

interface MatmulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

/** For each matrix of the output, which matrix of `shape`'s batch it is made of, under broadcasting. */
function batchIndices(shape: readonly number[], out: readonly number[]): number[] {
  const padded = [...Array<number>(out.length - shape.length).fill(1), ...shape];
  let indices = [0];
  let size = 1;
  for (let axis = 0; axis < out.length; axis++) {
    const extent = padded[axis]!;
    size *= extent;
    indices = indices.flatMap((index) =>
      Array.from({ length: out[axis]! }, (_, i) => index * extent + (extent === 1 ? 0 : i)),
    );
  }
  return size === 0 ? [] : indices;
}

function product(
  backend: EngineWasm,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  { transposeA, transposeB }: MatmulAttrs,
  bias: tf.TensorInfo | undefined,
  flags: number,
): tf.TensorInfo {
  const aBatch = a.shape.slice(0, -2);
  const bBatch = b.shape.slice(0, -2);
  const outBatch = tf.broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
  const [a0, a1] = a.shape.slice(-2) as [number, number];
  const [b0, b1] = b.shape.slice(-2) as [number, number];
  let rows = transposeA ? a1 : a0;
  const depth = transposeA ? a0 : a1;
  const columns = transposeB ? b0 : b1;
  tf.util.assert(
    depth === (transposeB ? b1 : b0),
    () =>
      `Inner shapes of matMul differ: ${a.shape.join(',')} and ${b.shape.join(',')} (transposeA ${transposeA}, transposeB ${transposeB})`,
  );
  const output = backend.output([...outBatch, rows, columns]);
  if (tf.util.sizeFromShape(output.shape) === 0) return output;
  let batch: (readonly [number, number])[];
  if (tf.util.sizeFromShape(bBatch) === 1 && !transposeA) {
    rows *= tf.util.sizeFromShape(aBatch);
    batch = [[0, 0]];
  } else {
    const right = batchIndices(bBatch, outBatch);
    batch = batchIndices(aBatch, outBatch).map((l, i) => [l, right[i]!] as const);
  }
  multiplyMatrices(
    backend.runtime,
    { rows, depth, columns, transposeLeft: transposeA, transposeRight: transposeB, batch },
    backend.address(a),
    backend.address(b),
    backend.address(output),
    bias ? backend.address(bias) : 0,
    flags,
  );
  return output;
}

/** Matrix products. */
export function matmulKernels(): WasmKernel[] {
  const fusedByTfjs = tfjsKernel('_FusedMatMul');
  const plainByTfjs = tfjsKernel('BatchMatMul');
  return [
    {
      name: 'BatchMatMul',
      run: (call) => {
        const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
        if (a.dtype !== 'float32' || b.dtype !== 'float32') return plainByTfjs(call);
        return product(call.backend, a, b, call.attrs as unknown as MatmulAttrs, undefined, 0);
      },
    },
    {
      name: '_FusedMatMul',
      run: (call) => {
        const { a, b, bias } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo; bias?: tf.TensorInfo };
        const attrs = call.attrs as unknown as MatmulAttrs & { activation: string };
        const columns = attrs.transposeB ? b.shape.at(-2) : b.shape.at(-1);
        const plainBias = !bias || tf.util.sizeFromShape(bias.shape) === columns;
        const ours = attrs.activation === 'linear' || attrs.activation === 'relu';
        if (!plainBias || !ours || a.dtype !== 'float32' || b.dtype !== 'float32') return fusedByTfjs(call);
        return product(call.backend, a, b, attrs, bias, attrs.activation === 'relu' ? RELU : 0);
      },
    },
  ];
}
