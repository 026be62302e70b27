import { aten } from './aten.js';
import type { Storage } from './storage.js';

/**
 * Product of two matrices, or of two stacks of them, by the fastest route for the shape.
 * @param a [M, K] or [B, M, K], or with `transposeA` [K, M]
 * @param bias [N], added to every row
 */
export function matmul(
  a: Storage,
  b: Storage,
  transposeA: boolean,
  transposeB: boolean,
  bias?: Storage,
): Storage {
  return aten('engine::matmul', a, b, transposeA, transposeB, bias);
}
