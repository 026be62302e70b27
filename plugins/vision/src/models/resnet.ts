import { badValue, checkKeys, register } from '@engine/core';
import {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Linear,
  MaxPool2d,
  Module,
  Sequential,
  kaimingInit,
  type ModuleOptions,
  type StreamOf,
} from '@engine/nn';
import { tf, type Tensor } from '@engine/tensor';

import { MODELS } from '../registry.js';
import { BasicBlock, Bottleneck, ResidualBlock } from './residual-blocks.js';

export interface ResNetOptions extends ModuleOptions {
  /**
   * 18, 34, 50, 101 or 152: four stages of 64, 128, 256, 512 channels, for ImageNet. 20, 32, 44, 56 or 110: three
   * stages of 16, 32, 64 channels, for CIFAR.
   */
  depth: ResNetDepth;
  /** 1000 unless said. */
  numClasses?: number;
  /** 3 unless said. */
  inChannels?: number;
  /**
   * 'imagenet': 7×7 convolution of stride 2 and max pooling; 'cifar': 3×3 convolution. What fits the depth unless said.
   */
  stem?: 'imagenet' | 'cifar';
  /** Start every residual block as the identity; false unless said. */
  zeroInitResidual?: boolean;
}

export type ResNetDepth = 18 | 34 | 50 | 101 | 152 | 20 | 32 | 44 | 56 | 110;

declare module '@engine/core' {
  interface ModelTypes {
    'vision.ResNet': ResNetOptions;
  }
}

interface Architecture {
  Block: (typeof BasicBlock | typeof Bottleneck) & { readonly expansion: number };
  channels: readonly number[];
  blocks: readonly number[];
  stem: 'imagenet' | 'cifar';
}

const WIDE = { channels: [64, 128, 256, 512], stem: 'imagenet' } as const;
const cifar = (n: number): Architecture => {
  return { Block: BasicBlock, channels: [16, 32, 64], blocks: [n, n, n], stem: 'cifar' };
};

const ARCHITECTURES: Readonly<Record<number, Architecture>> = {
  18: { ...WIDE, Block: BasicBlock, blocks: [2, 2, 2, 2] },
  34: { ...WIDE, Block: BasicBlock, blocks: [3, 4, 6, 3] },
  50: { ...WIDE, Block: Bottleneck, blocks: [3, 4, 6, 3] },
  101: { ...WIDE, Block: Bottleneck, blocks: [3, 4, 23, 3] },
  152: { ...WIDE, Block: Bottleneck, blocks: [3, 8, 36, 3] },
  20: cifar(3),
  32: cifar(5),
  44: cifar(7),
  56: cifar(9),
  110: cifar(18),
};

/**
 * Residual network (K. He et al. 2015, arXiv:1512.03385) with the names and shapes of torchvision's: `conv1`, `bn1`,
 * `layer1.0.conv1`, …, `fc`. The CIFAR depths follow section 4.2 of the paper with projection shortcuts (option B).
 * x [N, H, W, inChannels] → logits [N, numClasses].
 */
@register(MODELS)
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential | undefined;
  readonly fc: Linear;
  private readonly maxpool: MaxPool2d | undefined;
  private readonly avgpool: AdaptiveAvgPool2d;
  private readonly zeroInitResidual: boolean;

  constructor(options: ResNetOptions) {
    checkKeys('ResNet', options, [
      'depth',
      'numClasses',
      'inChannels',
      'stem',
      'zeroInitResidual',
      'initCfg',
    ]);
    super(options);
    const { depth, numClasses = 1000, inChannels = 3, zeroInitResidual = false } = options;
    const architecture = ARCHITECTURES[depth];
    if (!architecture)
      throw badValue('ResNet.depth', depth, `one of ${Object.keys(ARCHITECTURES).join(', ')}`);
    const { Block, channels, blocks } = architecture;
    const stem = options.stem ?? architecture.stem;
    if (stem !== 'imagenet' && stem !== 'cifar') throw badValue('ResNet.stem', stem, "'imagenet' or 'cifar'");
    const width = channels[0]!;
    this.zeroInitResidual = zeroInitResidual;
    const kernel =
      stem === 'imagenet' ? { kernelSize: 7, stride: 2, padding: 3 } : { kernelSize: 3, padding: 1 };
    this.conv1 = new Conv2d({ inChannels, outChannels: width, bias: false, ...kernel });
    this.bn1 = new BatchNorm2d({ numFeatures: width });
    this.maxpool = stem === 'imagenet' ? new MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 }) : undefined;
    let from = width;
    const stages = channels.map((count, stage) => {
      const parts = Array.from({ length: blocks[stage]! }, (_, i) => {
        const block = new Block({ inChannels: from, channels: count, stride: stage > 0 && i === 0 ? 2 : 1 });
        from = count * Block.expansion;
        return block;
      });
      return new Sequential(parts);
    });
    [this.layer1, this.layer2, this.layer3, this.layer4] = stages as [
      Sequential,
      Sequential,
      Sequential,
      Sequential?,
    ];
    this.avgpool = new AdaptiveAvgPool2d({ outputSize: 1 });
    this.fc = new Linear({ inFeatures: from, outFeatures: numClasses });
  }

  /** As torchvision: convolutions by He's rule (fan out, normal); the rest as the layers' own defaults. */
  override resetParameters(stream: StreamOf): void {
    for (const [name, module] of this.namedModules()) {
      if (module.loaded) continue;
      if (module instanceof Conv2d) kaimingInit(module, () => stream(`${name}.weight`));
      if (module instanceof ResidualBlock && this.zeroInitResidual) module.zeroInit();
    }
  }

  forward(x: Tensor): Tensor {
    return tf.tidy(() => {
      let y = this.bn1.forwardRelu(this.conv1.forward(x));
      if (this.maxpool) y = this.maxpool.forward(y);
      for (const stage of [this.layer1, this.layer2, this.layer3, this.layer4])
        if (stage) y = stage.forward(y);
      const features = this.avgpool.forward(y);
      return this.fc.forward(tf.reshape(features, [features.shape[0]!, features.shape[3]!]));
    });
  }
}
