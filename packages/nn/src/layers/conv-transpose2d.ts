import { MODELS, RandomStream, badValue, checkKeys, register } from '@engine/core';
import { convTranspose2d, tf, type ModuleKind, type Tensor, type Variable } from '@engine/tensor';

import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { resetBias, resetWeight } from './default-init.js';
import { pair, positive, type Size2d } from './pair.js';

export interface ConvTranspose2dOptions extends ModuleOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: Size2d;
  /** 1 unless said. */
  stride?: Size2d;
  /** Rows and columns cut from each side of the result; 0 unless said. */
  padding?: Size2d;
  /** Rows and columns added at the bottom and on the right, less than stride or dilation; 0 unless said. */
  outputPadding?: Size2d;
  /** Must divide both numbers of channels; 1 unless said. */
  groups?: number;
  /** Whether a bias is added; true unless said. */
  bias?: boolean;
  /** 1 unless said. */
  dilation?: Size2d;
}

declare module '@engine/core' {
  interface ModelTypes {
    ConvTranspose2d: ConvTranspose2dOptions;
  }
}

/**
 * Transposed two-dimensional convolution. x [N, H, W, inChannels] → [N, H', W', outChannels] with
 * H' = (H - 1)·stride - 2·padding + dilation·(kernelSize - 1) + outputPadding + 1.
 * `weight` is [kernelH, kernelW, outChannels / groups, inChannels], `bias` [outChannels].
 */
@register(MODELS)
export class ConvTranspose2d extends Module {
  readonly weight: Variable;
  readonly bias: Variable | undefined;
  readonly options: {
    strides: [number, number];
    pads: [number, number, number, number];
    outputPadding: [number, number];
    dilations: [number, number];
    groups: number;
  };

  constructor(options: ConvTranspose2dOptions) {
    checkKeys('ConvTranspose2d', options, [
      'inChannels',
      'outChannels',
      'kernelSize',
      'stride',
      'padding',
      'outputPadding',
      'groups',
      'bias',
      'dilation',
      'initCfg',
    ]);
    super(options);
    const { groups = 1, bias = true } = options;
    const inChannels = positive('ConvTranspose2d.inChannels', options.inChannels);
    const outChannels = positive('ConvTranspose2d.outChannels', options.outChannels);
    const [h, w] = pair('ConvTranspose2d.kernelSize', options.kernelSize, 1);
    const [padH, padW] = pair('ConvTranspose2d.padding', options.padding ?? 0);
    const strides = pair('ConvTranspose2d.stride', options.stride ?? 1, 1);
    const dilations = pair('ConvTranspose2d.dilation', options.dilation ?? 1, 1);
    const outputPadding = pair('ConvTranspose2d.outputPadding', options.outputPadding ?? 0);
    positive('ConvTranspose2d.groups', groups);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      const expected = `a divisor of inChannels ${inChannels} and outChannels ${outChannels}`;
      throw badValue('ConvTranspose2d.groups', groups, expected);
    }
    if (outputPadding.some((size, axis) => size >= Math.max(strides[axis]!, dilations[axis]!))) {
      throw badValue('ConvTranspose2d.outputPadding', outputPadding, 'less than the stride or the dilation');
    }
    this.options = { strides, pads: [padH, padH, padW, padW], outputPadding, dilations, groups };
    this.weight = this.parameter(tf.zeros([h, w, outChannels / groups, inChannels]), { layout: 'HWOI' });
    this.bias = bias ? this.parameter(tf.zeros([outChannels])) : undefined;
    this.resetParameters((leaf) => RandomStream.of(0, 'init', leaf));
  }

  override get kind(): ModuleKind {
    return 'conv';
  }

  override resetParameters(stream: StreamOf): void {
    resetWeight(this.weight, stream('weight'));
    if (this.bias) resetBias(this.bias, this.weight, stream('bias'));
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, { bias: this.bias, ...this.options });
  }
}
