import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { toTorchLayout } from '@engine/nn';
import { describe, expect, it } from 'vitest';

import { MODELS } from '../registry.js';
import { ResNet, type ResNetDepth, type ResNetOptions } from './resnet.js';

/** torchvision's state dict by its rules: names in order and PyTorch shapes. */
function expected(
  channels: number[],
  blocks: number[],
  bottleneck: boolean,
  stem: number,
  classes: number,
): [string, number[]][] {
  const list: [string, number[]][] = [];
  const norm = (name: string, size: number): void => {
    for (const leaf of ['weight', 'bias', 'running_mean', 'running_var'])
      list.push([`${name}.${leaf}`, [size]]);
    list.push([`${name}.num_batches_tracked`, []]);
  };
  list.push(['conv1.weight', [channels[0]!, 3, stem, stem]]);
  norm('bn1', channels[0]!);
  let from = channels[0]!;
  channels.forEach((width, stage) => {
    const out = bottleneck ? width * 4 : width;
    for (let i = 0; i < blocks[stage]!; i++) {
      const at = `layer${stage + 1}.${i}`;
      const sizes = bottleneck
        ? [
            [width, from, 1, 1],
            [width, width, 3, 3],
            [out, width, 1, 1],
          ]
        : [
            [width, from, 3, 3],
            [width, width, 3, 3],
          ];
      sizes.forEach((shape, c) => {
        list.push([`${at}.conv${c + 1}.weight`, shape]);
        norm(`${at}.bn${c + 1}`, shape[0]!);
      });
      if (i === 0 && (stage > 0 || from !== out)) {
        list.push([`${at}.downsample.0.weight`, [out, from, 1, 1]]);
        norm(`${at}.downsample.1`, out);
      }
      from = out;
    }
  });
  list.push(['fc.weight', [classes, from]], ['fc.bias', [classes]]);
  return list;
}

function state(net: ResNet): [string, number[]][] {
  const layouts = net.layouts();
  return tf.tidy(
    () =>
      Object.entries(net.stateDict()).map(([name, variable]): [string, number[]] => [
        name,
        toTorchLayout(variable as Tensor, layouts[name]!).shape,
      ]) as never,
  ) as unknown as [string, number[]][];
}

const count = (net: ResNet): number => net.parameters().reduce((sum, variable) => sum + variable.size, 0);

describe('ResNet', () => {
  const imagenet = [64, 128, 256, 512];
  const cifar = [16, 32, 64];
  // Numbers of parameters: torchvision's documentation; the CIFAR ones follow from the structure (projections included).
  const cases: [ResNetDepth, number[], number[], boolean, number | undefined][] = [
    [18, imagenet, [2, 2, 2, 2], false, 11_689_512],
    [50, imagenet, [3, 4, 6, 3], true, 25_557_032],
    [20, cifar, [3, 3, 3], false, undefined],
    [56, cifar, [9, 9, 9], false, undefined],
  ];
  for (const [depth, channels, blocks, bottleneck, parameters] of cases) {
    it(`${depth} has torchvision's names, order and shapes`, () => {
      const net = new ResNet({ depth });
      expect(state(net)).toEqual(
        expected(channels, blocks, bottleneck, depth === 18 || depth === 50 ? 7 : 3, 1000),
      );
      if (parameters) expect(count(net)).toBe(parameters);
      net.dispose();
    });
  }

  it('20 for CIFAR has 0.27 million parameters', () => {
    const net = new ResNet({ depth: 20, numClasses: 10 });
    expect(count(net)).toBe(272_474);
    net.dispose();
  });

  it('maps images to logits, in both stems, without leaks', () => {
    const small = new ResNet({ depth: 20, numClasses: 7 });
    const large = new ResNet({ depth: 18, numClasses: 5, stem: 'cifar', inChannels: 1 });
    const x = tf.ones([2, 16, 16, 3]);
    const y = tf.ones([1, 8, 8, 1]);
    expectNoLeak(() => {
      const out = [small.forward(x), large.eval().forward(y)];
      expect(out.map((tensor) => tensor.shape)).toEqual([
        [2, 7],
        [1, 5],
      ]);
      tf.dispose(out);
    });
    for (const net of [small, large]) net.dispose();
    tf.dispose([x, y]);
  });

  it('draws convolutions by He’s rule, and starts blocks as identities when asked', () => {
    const net = new ResNet({ depth: 20, numClasses: 10, zeroInitResidual: true });
    net.initWeights({ seed: 2 });
    const dict = net.stateDict();
    const weight = Array.from(dict['layer3.1.conv2.weight']!.dataSync());
    const std = Math.sqrt(weight.reduce((sum, value) => sum + value * value, 0) / weight.length);
    expect(std / Math.sqrt(2 / (64 * 9))).toBeCloseTo(1, 1);
    expect(new Set(dict['layer2.0.bn2.weight']!.dataSync())).toEqual(new Set([0]));
    expect(new Set(dict['layer2.0.bn1.weight']!.dataSync())).toEqual(new Set([1]));
    net.dispose();
  });

  it('is built by name in the scope vision, and checks its options', () => {
    const net = MODELS.build<ResNet>({ type: 'ResNet', depth: 20 } as never);
    expect(net).toBeInstanceOf(ResNet);
    net.dispose();
    expect(() => new ResNet({ depth: 19 as never })).toThrow('ResNet.depth');
    expect(() => new ResNet({ depth: 20, numClases: 10 } as ResNetOptions)).toThrow(
      "did you mean 'numClasses'?",
    );
    expect(() => new ResNet({ depth: 20, stem: 'mnist' as never })).toThrow('ResNet.stem');
  });
});
