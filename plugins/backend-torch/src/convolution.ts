import { aten, atenAll } from './aten.js';
import { padded, toNchw, toNhwc, unpadded } from './kernels/pool.js';
import { SCALAR, Storage } from './storage.js';
import { isWinograd } from './winograd.js';

export interface Geometry {
  strides: readonly number[];
  /** top, bottom, left, right */
  pads: readonly [number, number, number, number];
  dilations: readonly number[];
  groups: number;
}

interface Call {
  padding: number[];
  extra: [number, number][] | undefined;
}

/** oneDNN pads by the same number on both sides; anything else is padded beforehand. */
function padding([top, bottom, left, right]: Geometry['pads']): Call {
  if (top === bottom && left === right) return { padding: [top, left], extra: undefined };
  return {
    padding: [0, 0],
    extra: [
      [top, bottom],
      [left, right],
    ],
  };
}

/** HWIO as OIHW with channels last: a view when the filter lies in memory as OHWI, which it does after one step. */
export const toOihw = (filter: Storage): Storage =>
  aten('contiguous', aten('permute', filter, [3, 2, 0, 1]), CHANNELS_LAST);
export const toHwio = (filter: Storage): Storage => aten('permute', filter, [2, 3, 1, 0]);
const CHANNELS_LAST = 2;

/** x [N, H, W, C] convolved with a filter [h, w, C / groups, O]. */
export function convolve(x: Storage, filter: Storage, bias: Storage | null, geometry: Geometry): Storage {
  if (isWinograd(x, filter, geometry)) return aten('engine::conv3x3', x, filter, bias, geometry.pads);
  const { padding: both, extra } = padding(geometry.pads);
  const y = aten(
    'convolution',
    toNchw(padded(x, extra, 0)),
    toOihw(filter),
    bias,
    geometry.strides,
    both,
    geometry.dilations,
    false,
    [0, 0],
    geometry.groups,
  );
  return toNhwc(y);
}

/** What libtorch does not hand to oneDNN: its own gradient there wants the channels first in memory. */
function isTiny(x: Storage, filter: Storage, groups: number): boolean {
  return (
    groups === 1 && x.shape[0] === 1 && x.size <= 20480 && (filter.shape[0]! <= 3 || filter.shape[1]! <= 3)
  );
}

const packedNchw = (x: Storage): Storage => aten('contiguous', x, 0);

/** Multiplications up to which sums in double precision take no longer than what surrounds the call. */
const SMALL = 1 << 20;

/** True when the filter's gradient is cheap enough to be exact; see conv-filter.cc. */
function isSmall(dy: Storage, x: Storage, filter: Storage): boolean {
  const perPixel = filter.shape[0]! * filter.shape[1]! * filter.shape[2]!;
  const float32 = x.scalar === SCALAR.float32 && dy.scalar === SCALAR.float32;
  return float32 && dy.size * perPixel <= SMALL;
}

/** Gradients by input, filter and bias; those not asked for have the handle -1. In one call unless it is small. */
export function convolveGrad(
  dy: Storage,
  x: Storage,
  filter: Storage,
  geometry: Geometry,
  need: readonly [boolean, boolean, boolean],
): [Storage, Storage, Storage] {
  if (!need[1] || !isSmall(dy, x, filter)) return librarysGrad(dy, x, filter, geometry, need);
  const [height, width] = filter.shape as [number, number];
  const { strides, pads, dilations, groups } = geometry;
  const before = [pads[0], pads[2]];
  const dfilter = aten('engine::conv_filter_grad', dy, x, height, width, strides, before, dilations, groups);
  if (!need[0] && !need[2]) return [NONE, dfilter, NONE];
  const [dx, , dbias] = librarysGrad(dy, x, filter, geometry, [need[0], false, need[2]]);
  return [dx, dfilter, dbias];
}

const NONE = new Storage(-1, -1, []);

function librarysGrad(
  dy: Storage,
  x: Storage,
  filter: Storage,
  geometry: Geometry,
  need: readonly [boolean, boolean, boolean],
): [Storage, Storage, Storage] {
  if (isWinograd(x, filter, geometry)) {
    const [dx, dfilter] = atenAll('engine::conv3x3_grad', dy, x, filter, geometry.pads, need[0], need[1]);
    return [dx!, dfilter!, need[2] ? aten('sum.dim_IntList', dy, [0, 1, 2], false) : NONE];
  }
  const { padding: both, extra } = padding(geometry.pads);
  const layout = isTiny(x, filter, geometry.groups) ? packedNchw : (y: Storage): Storage => y;
  const [dx, dfilter, dbias] = atenAll(
    'convolution_backward',
    layout(toNchw(dy)),
    layout(toNchw(padded(x, extra, 0))),
    layout(toOihw(filter)),
    need[2] ? [filter.shape[3]!] : null,
    geometry.strides,
    both,
    geometry.dilations,
    false,
    [0, 0],
    geometry.groups,
    need,
  ) as [Storage, Storage, Storage];
  return [need[0] ? unpadded(toNhwc(dx), extra, x.shape) : dx, need[1] ? toHwio(dfilter) : dfilter, dbias];
}
