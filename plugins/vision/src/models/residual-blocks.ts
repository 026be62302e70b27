import { BatchNorm2d, Conv2d, Module, Sequential, assign, type ModuleOptions } from '@engine/nn';
import { addRelu, tf, type Tensor } from '@engine/tensor';

export interface BlockOptions extends ModuleOptions {
  inChannels: number;
  /** Channels inside the block; it puts out `channels` times its expansion. */
  channels: number;
  stride: number;
}

/** A residual block: relu(branch(x) + shortcut(x)). */
export abstract class ResidualBlock extends Module {
  /** Projection of the shortcut where shapes change: a 1×1 convolution (`0`) and batch norm (`1`). */
  declare downsample: Sequential | undefined;

  /** The normalisation at the end of the branch. */
  protected abstract get lastNorm(): BatchNorm2d;

  protected abstract branch(x: Tensor): Tensor;

  forward(x: Tensor): Tensor {
    return tf.tidy(() => addRelu(this.branch(x), this.downsample ? this.downsample.forward(x) : x));
  }

  /** Makes the branch put out zeros at first, so that the block starts as the identity (arXiv:1706.02677, 5.1). */
  zeroInit(): void {
    const { weight } = this.lastNorm;
    if (weight) assign(weight, tf.zeros(weight.shape));
  }
}

function projection(inChannels: number, outChannels: number, stride: number): Sequential | undefined {
  if (stride === 1 && inChannels === outChannels) return undefined;
  return new Sequential([
    new Conv2d({ inChannels, outChannels, kernelSize: 1, stride, bias: false }),
    new BatchNorm2d({ numFeatures: outChannels }),
  ]);
}

const conv3x3 = (inChannels: number, outChannels: number, stride = 1): Conv2d =>
  new Conv2d({ inChannels, outChannels, kernelSize: 3, stride, padding: 1, bias: false });

const conv1x1 = (inChannels: number, outChannels: number): Conv2d =>
  new Conv2d({ inChannels, outChannels, kernelSize: 1, bias: false });

/** Two 3×3 convolutions. x [N, H, W, inChannels] → [N, H / stride, W / stride, channels]. */
export class BasicBlock extends ResidualBlock {
  static readonly expansion = 1;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  override downsample: Sequential | undefined;

  constructor({ inChannels, channels, stride, ...options }: BlockOptions) {
    super(options);
    this.conv1 = conv3x3(inChannels, channels, stride);
    this.bn1 = new BatchNorm2d({ numFeatures: channels });
    this.conv2 = conv3x3(channels, channels);
    this.bn2 = new BatchNorm2d({ numFeatures: channels });
    this.downsample = projection(inChannels, channels, stride);
  }

  protected get lastNorm(): BatchNorm2d {
    return this.bn2;
  }

  protected branch(x: Tensor): Tensor {
    return this.bn2.forward(this.conv2.forward(this.bn1.forwardRelu(this.conv1.forward(x))));
  }
}

/** 1×1, 3×3 (which has the stride), 1×1. x [N, H, W, inChannels] → [N, H / stride, W / stride, 4 · channels]. */
export class Bottleneck extends ResidualBlock {
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  override downsample: Sequential | undefined;

  constructor({ inChannels, channels, stride, ...options }: BlockOptions) {
    super(options);
    const outChannels = channels * Bottleneck.expansion;
    this.conv1 = conv1x1(inChannels, channels);
    this.bn1 = new BatchNorm2d({ numFeatures: channels });
    this.conv2 = conv3x3(channels, channels, stride);
    this.bn2 = new BatchNorm2d({ numFeatures: channels });
    this.conv3 = conv1x1(channels, outChannels);
    this.bn3 = new BatchNorm2d({ numFeatures: outChannels });
    this.downsample = projection(inChannels, outChannels, stride);
  }

  protected get lastNorm(): BatchNorm2d {
    return this.bn3;
  }

  protected branch(x: Tensor): Tensor {
    const y = this.bn2.forwardRelu(this.conv2.forward(this.bn1.forwardRelu(this.conv1.forward(x))));
    return this.bn3.forward(this.conv3.forward(y));
  }
}
