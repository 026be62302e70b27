import { MODELS, badValue, checkKeys, register } from '@engine/core';
import { adaptiveAvgPool2d, adaptiveMaxPool2d, tf, type Tensor, type Tensor4D } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';
import { pair, type Size2d } from './pair.js';

export interface MaxPool2dOptions extends ModuleOptions {
  kernelSize: Size2d;
  /** `kernelSize` unless said. */
  stride?: Size2d;
  /** At most half of `kernelSize`; 0 unless said. */
  padding?: Size2d;
  /** Round the output size up instead of down; false unless said. */
  ceilMode?: boolean;
}

export interface AvgPool2dOptions extends MaxPool2dOptions {
  /** Whether padding counts as zeros in the mean; true unless said. */
  countIncludePad?: boolean;
}

export interface AdaptivePool2dOptions extends ModuleOptions {
  /** Height and width of the result. */
  outputSize: Size2d;
}

declare module '@engine/core' {
  interface ModelTypes {
    MaxPool2d: MaxPool2dOptions;
    AvgPool2d: AvgPool2dOptions;
    AdaptiveAvgPool2d: AdaptivePool2dOptions;
    AdaptiveMaxPool2d: AdaptivePool2dOptions;
  }
}

/** Windows along one direction: how many, and by how much the last reaches beyond the padded input. */
interface Windows {
  count: number;
  overhang: number;
}

/** PyTorch's rule for the output size: rounding up never adds a window that starts beyond the input's end. */
function windows(size: number, kernel: number, stride: number, padding: number, ceilMode: boolean): Windows {
  const room = size + 2 * padding - kernel;
  let count = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  if (ceilMode && (count - 1) * stride >= size + padding) count--;
  return { count, overhang: Math.max(0, (count - 1) * stride - room) };
}

/** What max and average pooling share: sizes and their checks. */
abstract class Pool2d extends Module {
  protected readonly kernel: [number, number];
  protected readonly stride: [number, number];
  protected readonly padding: [number, number];
  protected readonly ceilMode: boolean;

  constructor(name: string, options: MaxPool2dOptions, known: readonly string[]) {
    checkKeys(name, options, ['kernelSize', 'stride', 'padding', 'ceilMode', 'initCfg', ...known]);
    super(options);
    this.kernel = pair(`${name}.kernelSize`, options.kernelSize, 1);
    this.stride = pair(`${name}.stride`, options.stride ?? options.kernelSize, 1);
    this.padding = pair(`${name}.padding`, options.padding ?? 0);
    this.ceilMode = options.ceilMode ?? false;
    if (this.padding.some((pad, i) => pad > this.kernel[i]! / 2)) {
      throw badValue(
        `${name}.padding`,
        options.padding,
        `at most half of kernelSize ${this.kernel.join(' by ')}`,
      );
    }
  }

  protected windows(x: Tensor): [Windows, Windows] {
    if (x.rank !== 4) throw badValue(`${this.constructor.name}.forward.x.shape`, x.shape, '[N, H, W, C]');
    return [0, 1].map((i) => {
      const found = windows(
        x.shape[i + 1]!,
        this.kernel[i]!,
        this.stride[i]!,
        this.padding[i]!,
        this.ceilMode,
      );
      if (found.count < 1) {
        const name = `${this.constructor.name}.forward.x.shape`;
        throw badValue(
          name,
          x.shape,
          `an image no smaller than the window, ${this.kernel.join(' by ')}, after padding`,
        );
      }
      return found;
    }) as [Windows, Windows];
  }
}

/** Largest value of each window. x [N, H, W, C] → [N, H', W', C], H' = (H + 2·padding - kernelSize) / stride + 1. */
@register(MODELS)
export class MaxPool2d extends Pool2d {
  constructor(options: MaxPool2dOptions) {
    super('MaxPool2d', options, []);
  }

  forward(x: Tensor): Tensor {
    const [h, w] = this.windows(x);
    const [padH, padW] = this.padding;
    return tf.maxPool(x as Tensor4D, this.kernel, this.stride, [
      [0, 0],
      [padH, padH + h.overhang],
      [padW, padW + w.overhang],
      [0, 0],
    ]);
  }
}

/** Mean of each window. x [N, H, W, C] → [N, H', W', C], H' = (H + 2·padding - kernelSize) / stride + 1. */
@register(MODELS)
export class AvgPool2d extends Pool2d {
  private readonly countIncludePad: boolean;

  constructor(options: AvgPool2dOptions) {
    super('AvgPool2d', options, ['countIncludePad']);
    this.countIncludePad = options.countIncludePad ?? true;
  }

  forward(x: Tensor): Tensor {
    const [h, w] = this.windows(x);
    const [padH, padW] = this.padding;
    return tf.tidy(() => {
      const padded =
        padH + padW + h.overhang + w.overhang > 0
          ? tf.pad(x, [
              [0, 0],
              [padH, padH + h.overhang],
              [padW, padW + w.overhang],
              [0, 0],
            ])
          : x;
      const mean = tf.avgPool(padded as Tensor4D, this.kernel, this.stride, 'valid');
      const factor = this.correction(x.shape[1]!, x.shape[2]!, h, w);
      return factor ? tf.mul(mean, factor) : mean;
    });
  }

  /**
   * tfjs's gradient of a mean over a window that leaves out padding divides by the whole window; hence the mean over
   * whole windows of zero-padded input, times whole size by counted size. [1, H', W', 1]
   */
  private correction(height: number, width: number, h: Windows, w: Windows): Tensor | undefined {
    const counted = (size: number, axis: 0 | 1, { count }: Windows): number[] => {
      const outside = this.countIncludePad ? this.padding[axis] : 0;
      return Array.from({ length: count }, (_, i) => {
        const start = i * this.stride[axis] - this.padding[axis];
        const end = Math.min(start + this.kernel[axis], size + outside);
        return this.kernel[axis] / (end - Math.max(start, -outside));
      });
    };
    const rows = counted(height, 0, h);
    const columns = counted(width, 1, w);
    if ([...rows, ...columns].every((factor) => factor === 1)) return undefined;
    const factors = rows.flatMap((row) => columns.map((column) => row * column));
    return tf.tensor4d(factors, [1, rows.length, columns.length, 1]);
  }
}

/** Mean over as many bins as are asked for: x [N, H, W, C] → [N, outputH, outputW, C]. */
@register(MODELS)
export class AdaptiveAvgPool2d extends Module {
  private readonly outputSize: [number, number];

  constructor(options: AdaptivePool2dOptions) {
    checkKeys('AdaptiveAvgPool2d', options, ['outputSize', 'initCfg']);
    super(options);
    this.outputSize = pair('AdaptiveAvgPool2d.outputSize', options.outputSize, 1);
  }

  forward(x: Tensor): Tensor {
    if (x.rank !== 4) throw badValue('AdaptiveAvgPool2d.forward.x.shape', x.shape, '[N, H, W, C]');
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Largest value of as many bins as are asked for: x [N, H, W, C] → [N, outputH, outputW, C]. */
@register(MODELS)
export class AdaptiveMaxPool2d extends Module {
  private readonly outputSize: [number, number];

  constructor(options: AdaptivePool2dOptions) {
    checkKeys('AdaptiveMaxPool2d', options, ['outputSize', 'initCfg']);
    super(options);
    this.outputSize = pair('AdaptiveMaxPool2d.outputSize', options.outputSize, 1);
  }

  forward(x: Tensor): Tensor {
    if (x.rank !== 4) throw badValue('AdaptiveMaxPool2d.forward.x.shape', x.shape, '[N, H, W, C]');
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}
