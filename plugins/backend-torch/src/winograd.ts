import { badValue } from '@engine/core';

import type { Geometry } from './convolution.js';
import { isGpu } from './device.js';
import { native } from './native.js';
import { SCALAR, type Storage } from './storage.js';

/** Below this the transformed filters cost more than the multiplications that they save. */
const MIN_TILES = 64;

/** Input times output channels below which moving tiles costs more: 32 by 32 channels break even. */
const MIN_CHANNELS = 2048;

let possible: { float32: boolean; bfloat16: boolean } | undefined;

/** What the processor has the instructions for. */
function abilities(): { float32: boolean; bfloat16: boolean } {
  if (possible) return possible;
  const { winograd, winogradNarrow } = native().info();
  return (possible = { float32: winograd, bfloat16: winogradNarrow });
}

/**
 * Whether convolutions may be computed by Winograd's method: where the processor has the instructions, unless
 * `ENGINE_TORCH_CONV` says `direct`.
 * @throws E_CONFIG_VALUE when the variable says something unknown
 */
function isWanted(scalar: number): boolean {
  const given = process.env.ENGINE_TORCH_CONV;
  if (given !== undefined && given !== '' && given !== 'winograd') {
    if (given === 'direct') return false;
    throw badValue('ENGINE_TORCH_CONV', given, "'direct' or 'winograd'");
  }
  return !isGpu() && abilities()[scalar === SCALAR.bfloat16 ? 'bfloat16' : 'float32'];
}

/** Whether a convolution of `x` [N, H, W, C] with `filter` [h, w, C / groups, O] is one for Winograd's method. */
export function isWinograd(
  x: Storage,
  filter: Storage,
  { strides, pads, dilations, groups }: Geometry,
): boolean {
  const [h, w, c, o] = filter.shape as [number, number, number, number];
  if (h !== 3 || w !== 3 || groups !== 1 || c % 16 !== 0 || o % 16 !== 0 || c * o < MIN_CHANNELS)
    return false;
  if (x.scalar !== filter.scalar || (x.scalar !== SCALAR.float32 && x.scalar !== SCALAR.bfloat16))
    return false;
  if (strides.some((stride) => stride !== 1) || dilations.some((dilation) => dilation !== 1)) return false;
  if (pads.some((pad) => pad > 2)) return false;
  const [n, height, width] = x.shape as [number, number, number];
  const rows = Math.ceil((height + pads[0] + pads[1] - 2) / 2);
  const columns = Math.ceil((width + pads[2] + pads[3] - 2) / 2);
  return n * rows * columns >= MIN_TILES && isWanted(x.scalar);
}
