import { tf } from '@engine/tensor';
import type { EngineWasm } from './engine-wasm.js';
import { KERNEL } from './kernel-ids.js';

/** Parts that rows are cut in, for sums per part: a function of the shape alone. */
export function rowParts(rows: number, channels: number): number {
  return Math.max(1, Math.min(64, Math.floor((rows * channels) / 8192), rows));
}

/** Sums over all axes but the last: `[…, channels]` to `[channels]`. */
export function sumColumns(backend: EngineWasm, x: tf.TensorInfo, channels: number): tf.TensorInfo {
  const { runtime } = backend;
  const rows = tf.util.sizeFromShape(x.shape) / channels;
  const parts = rowParts(rows, channels);
  const sums = runtime.workspace(parts * channels * 4);
  const output = backend.output([channels]);
  runtime.run(KERNEL.columnSums, parts, [backend.address(x), sums, rows, channels, parts], rows * channels);
  runtime.run(KERNEL.columnSums, 1, [sums, backend.address(output), parts, channels, 1], parts * channels);
  return output;
}
