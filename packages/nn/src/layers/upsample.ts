import { MODELS, badValue, checkKeys, register } from '@engine/core';
import { resize2d, tf, type ResizeMode, type Tensor } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';
import { pair, type Size2d } from './pair.js';
import { AdaptiveAvgPool2d } from './pooling.js';

export interface InterpolateOptions {
  /** Height and width of the result; this or `scaleFactor`. */
  size?: Size2d | undefined;
  /** Size of the result by that of the input, rounded down; one number or [height, width]. */
  scaleFactor?: number | readonly [number, number] | undefined;
  /** 'area' is the mean over bins, as {@link AdaptiveAvgPool2d}; 'nearest' unless said. */
  mode?: ResizeMode | 'area';
  /** Of 'bilinear' and 'bicubic': whether the centres of the corner pixels coincide; false unless said. */
  alignCorners?: boolean | undefined;
  /** Take positions from the sizes instead of from `scaleFactor` itself; false unless said. */
  recomputeScaleFactor?: boolean | undefined;
}

export interface UpsampleOptions extends InterpolateOptions, ModuleOptions {}

declare module '@engine/core' {
  interface ModelTypes {
    Upsample: UpsampleOptions;
  }
}

const KEYS = ['size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor'];

function checkOptions(owner: string, options: InterpolateOptions): void {
  const { size, scaleFactor, mode = 'nearest', alignCorners, recomputeScaleFactor } = options;
  if ((size === undefined) === (scaleFactor === undefined))
    throw badValue(`${owner}.size`, size, 'either `size` or `scaleFactor`, and not both');
  if (size !== undefined) pair(`${owner}.size`, size, 1);
  const factors = typeof scaleFactor === 'number' ? [scaleFactor] : (scaleFactor ?? []);
  if (!factors.every((factor) => factor > 0))
    throw badValue(`${owner}.scaleFactor`, scaleFactor, 'a positive number, or two of them: [height, width]');
  const modes = ['nearest', 'nearest-exact', 'bilinear', 'bicubic', 'area'];
  if (!modes.includes(mode)) throw badValue(`${owner}.mode`, mode, `one of ${modes.join(', ')}`);
  if (alignCorners !== undefined && mode !== 'bilinear' && mode !== 'bicubic')
    throw badValue(`${owner}.alignCorners`, alignCorners, `nothing with mode '${mode}'`);
  if (recomputeScaleFactor && size !== undefined)
    throw badValue(`${owner}.recomputeScaleFactor`, recomputeScaleFactor, 'nothing beside `size`');
}

/**
 * Resizes images as PyTorch's `interpolate`, without a low-pass filter.
 * @param x [N, H, W, C]
 * @returns [N, H', W', C]
 * @throws E_CONFIG_VALUE for options that do not go together
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  checkKeys('interpolate', options, KEYS);
  checkOptions('interpolate', options);
  if (x.rank !== 4) throw badValue('interpolate.x.shape', x.shape, '[N, H, W, C]');
  const {
    size,
    scaleFactor = 1,
    mode = 'nearest',
    alignCorners = false,
    recomputeScaleFactor = false,
  } = options;
  const factors = typeof scaleFactor === 'number' ? ([scaleFactor, scaleFactor] as const) : scaleFactor;
  const out =
    size === undefined
      ? ([Math.floor(x.shape[1]! * factors[0]), Math.floor(x.shape[2]! * factors[1])] as [number, number])
      : pair('interpolate.size', size, 1);
  if (mode === 'area') return new AdaptiveAvgPool2d({ outputSize: out }).forward(x);
  const scales = size === undefined && !recomputeScaleFactor ? factors : undefined;
  return tf.tidy(() => resize2d(x, { size: out, mode, alignCorners, scales }));
}

/** {@link interpolate} as a layer. */
@register(MODELS)
export class Upsample extends Module {
  private readonly options: InterpolateOptions;

  constructor(options: UpsampleOptions) {
    checkKeys('Upsample', options, [...KEYS, 'initCfg']);
    super(options);
    const { initCfg: _initCfg, ...rest } = options;
    checkOptions('Upsample', rest);
    this.options = rest;
  }

  forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}
