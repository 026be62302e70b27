import { KERNEL } from './kernel-ids.js';
import type { KernelRuntime } from './kernel-runtime.js';

/** Operands of a batched product `[batch, rows, depth] x [batch, depth, columns]`. */
export interface MatmulShape {
  rows: number;
  depth: number;
  columns: number;
  transposeLeft: boolean;
  transposeRight: boolean;
  /** For each matrix of the output, which matrix of the left and of the right operand it is made of. */
  batch: readonly (readonly [number, number])[];
}

const CACHE_BYTES = 256 * 1024;
const DEPTH_BLOCK = 2048;
const MIN_CHUNKS = 8;

/**
 * Product of matrices, with bias and rectifier on request.
 * @param left address of the left operand; stored `[depth, rows]` when `transposeLeft`
 * @param bias address of one number per column, or 0
 */
export function multiplyMatrices(
  runtime: KernelRuntime,
  shape: MatmulShape,
  left: number,
  right: number,
  output: number,
  bias: number,
  flags: number,
): void {
  const { rows, depth, columns, batch } = shape;
  const panels = Math.ceil(columns / 8);
  const rightCount = batch.reduce((most, [, r]) => Math.max(most, r + 1), 1);
  const matrixBytes = panels * Math.ceil(depth / 2) * 64;
  const packed = runtime.workspace(rightCount * matrixBytes + 64);
  const cost = 2 * batch.length * rows * depth * columns;
  if (depth > 0) {
    runtime.run(
      KERNEL.packPanels,
      rightCount * panels,
      [
        right,
        packed,
        runtime.table([0]),
        1,
        depth,
        (shape.transposeRight ? 1 : columns) * 4,
        columns,
        (shape.transposeRight ? depth : 1) * 4,
        depth * columns * 4,
        panels,
      ],
      rightCount * depth * columns,
    );
  }
  const blockDepth = shape.transposeLeft ? Math.min(depth, DEPTH_BLOCK) : depth;
  const cached = Math.max(6, Math.floor(CACHE_BYTES / (Math.max(1, blockDepth) * 24)) * 6);
  const blocks = Math.ceil(rows / Math.min(cached, Math.ceil(Math.max(6, rows / MIN_CHUNKS) / 6) * 6));
  const ranges = Math.min(panels, Math.max(1, Math.ceil(MIN_CHUNKS / (blocks * batch.length))));
  const blockRows = Math.ceil(Math.ceil(rows / 6) / blocks) * 6 + 6;
  const scratch = 512 + (shape.transposeLeft ? blockRows * (blockDepth + 1) * 4 : blockRows * 8);
  const offsets = batch.flatMap(([l, r]) => [l * rows * depth * 4, r * matrixBytes]);
  runtime.run(
    KERNEL.multiplyMatrices,
    batch.length * blocks * ranges,
    [
      left,
      output,
      packed,
      rows,
      depth,
      columns,
      shape.transposeLeft ? 1 : 0,
      0,
      0,
      blocks,
      ranges,
      bias,
      flags,
      runtime.table(offsets),
    ],
    cost,
    scratch,
  );
}
