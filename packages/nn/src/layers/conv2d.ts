import { MODELS, RandomStream, badValue, checkKeys, register } from '@engine/core';
import { conv2d, tf, type ModuleKind, type Tensor, type Variable } from '@engine/tensor';

import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { resetBias, resetWeight } from './default-init.js';
import { pair, positive, type Size2d } from './pair.js';

export interface Conv2dOptions extends ModuleOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: Size2d;
  /** 1 unless said. */
  stride?: Size2d;
  /** Zeros on both sides of each direction, as in PyTorch; 0 unless said. */
  padding?: Size2d;
  /** 1 unless said. */
  dilation?: Size2d;
  /** Must divide both numbers of channels; 1 unless said. */
  groups?: number;
  /** Whether a bias is added; true unless said. */
  bias?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    Conv2d: Conv2dOptions;
  }
}

/**
 * Two-dimensional convolution. x [N, H, W, inChannels] → [N, H', W', outChannels] with
 * H' = floor((H + 2·padding - dilation·(kernelSize - 1) - 1) / stride) + 1.
 * `weight` is [kernelH, kernelW, inChannels / groups, outChannels], `bias` [outChannels].
 */
@register(MODELS)
export class Conv2d extends Module {
  readonly weight: Variable;
  readonly bias: Variable | undefined;
  readonly options: {
    strides: [number, number];
    pads: [number, number, number, number];
    dilations: [number, number];
    groups: number;
  };
  private readonly depthwise: boolean;

  constructor(options: Conv2dOptions) {
    checkKeys('Conv2d', options, [
      'inChannels',
      'outChannels',
      'kernelSize',
      'stride',
      'padding',
      'dilation',
      'groups',
      'bias',
      'initCfg',
    ]);
    super(options);
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    const inChannels = positive('Conv2d.inChannels', options.inChannels);
    const outChannels = positive('Conv2d.outChannels', options.outChannels);
    const [h, w] = pair('Conv2d.kernelSize', options.kernelSize, 1);
    const [padH, padW] = pair('Conv2d.padding', padding);
    positive('Conv2d.groups', groups);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw badValue(
        'Conv2d.groups',
        groups,
        `a divisor of inChannels ${inChannels} and outChannels ${outChannels}`,
      );
    }
    this.options = {
      strides: pair('Conv2d.stride', stride, 1),
      pads: [padH, padH, padW, padW],
      dilations: pair('Conv2d.dilation', dilation, 1),
      groups,
    };
    // As in the rules of MMEngine, which count a convolution of one channel.
    this.depthwise = groups === inChannels;
    this.weight = this.parameter(tf.zeros([h, w, inChannels / groups, outChannels]), { layout: 'HWIO' });
    this.bias = bias ? this.parameter(tf.zeros([outChannels])) : undefined;
    this.resetParameters((leaf) => RandomStream.of(0, 'init', leaf));
  }

  override get kind(): ModuleKind {
    return this.depthwise ? 'depthwiseConv' : 'conv';
  }

  override resetParameters(stream: StreamOf): void {
    resetWeight(this.weight, stream('weight'));
    if (this.bias) resetBias(this.bias, this.weight, stream('bias'));
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, { bias: this.bias, ...this.options });
  }
}
