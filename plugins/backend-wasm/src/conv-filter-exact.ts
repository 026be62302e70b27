import { convCost } from './conv.js';
import type { ConvShape } from './conv-plan.js';
import { KERNEL } from './kernel-ids.js';
import type { KernelRuntime } from './kernel-runtime.js';

/** Multiplications up to which {@link exactFilterGrad} takes well under a millisecond. */
const MOST_PRODUCTS = 1 << 20;

export function isSmall(s: ConvShape): boolean {
  return convCost(s) <= 2 * MOST_PRODUCTS;
}

/**
 * Gradient of the filter of a small convolution, grouped or not, summed in double precision. A gradient element is a sum over all pixels of all images,
 * whose terms nearly cancel more often than not, so that single precision would leave few right digits of it.
 */
export function exactFilterGrad(
  runtime: KernelRuntime,
  s: ConvShape,
  x: number,
  dy: number,
  dfilter: number,
): void {
  runtime.run(
    KERNEL.convolveFilterExact,
    s.filterHeight * s.filterWidth * s.channels,
    [
      x,
      dy,
      dfilter,
      s.images,
      s.height,
      s.width,
      s.channels,
      s.groups,
      s.outHeight,
      s.outWidth,
      s.outChannels,
      s.filterWidth,
      s.strides[0],
      s.strides[1],
      s.pads[0],
      s.pads[1],
      s.dilations[0],
      s.dilations[1],
    ],
    // A multiplication in double precision takes as long as several in single.
    convCost(s) * 4,
  );
}
