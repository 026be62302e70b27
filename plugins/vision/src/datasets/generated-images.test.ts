import { RandomStream, type HostArray } from '@engine/core';
import { buildDataloader } from '@engine/data';
import { describe, expect, it, vi } from 'vitest';
import { GeneratedImages } from './generated-images.js';

const CLASSES = 10;
const SIDE = 32;

function images(dataset: GeneratedImages): { x: Float32Array; y: number }[] {
  return Array.from({ length: dataset.length }, (_, i) => {
    const { img, gtLabel } = dataset.getDataInfo(i) as unknown as { img: HostArray; gtLabel: number };
    return { x: Float32Array.from(img.data as Uint8Array, (v) => (v - 128) / 64), y: gtLabel };
  });
}

/** Accuracy on `test` of softmax regression trained on `train` by gradient descent. */
function linearAccuracy(
  train: { x: Float32Array; y: number }[],
  test: { x: Float32Array; y: number }[],
): number {
  const inputs = train[0]!.x.length;
  const weights = Array.from({ length: CLASSES }, () => new Float32Array(inputs));
  const scores = (x: Float32Array): number[] =>
    weights.map((w) => {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += w[i]! * x[i]!;
      return sum;
    });
  const stream = RandomStream.of(0, 'test');
  for (let epoch = 0; epoch < 6; epoch++) {
    for (const at of stream.permutation(train.length)) {
      const { x, y } = train[at]!;
      const logits = scores(x);
      const top = Math.max(...logits);
      const exps = logits.map((v) => Math.exp(v - top));
      const total = exps.reduce((a, b) => a + b);
      weights.forEach((w, c) => {
        const step = 0.0005 * (exps[c]! / total - (c === y ? 1 : 0));
        for (let i = 0; i < inputs; i++) w[i]! -= step * x[i]!;
      });
    }
  }
  const right = test.filter(({ x, y }) => {
    const logits = scores(x);
    return logits.indexOf(Math.max(...logits)) === y;
  });
  return right.length / test.length;
}

/** Energy of the luminance under one grating per class: what a filter bank with pooling sees. */
function energies(x: Float32Array): Float32Array {
  const found = new Float32Array(CLASSES);
  for (let c = 0; c < CLASSES; c++) {
    const angle = (Math.PI * c) / (2 * CLASSES);
    const frequency = (2 * Math.PI * (3 + (c % 3))) / SIDE;
    let [re, im] = [0, 0];
    for (let p = 0; p < SIDE * SIDE; p++) {
      const luminance = x[3 * p]! + x[3 * p + 1]! + x[3 * p + 2]!;
      const phase = frequency * (Math.cos(angle) * (p % SIDE) + Math.sin(angle) * Math.floor(p / SIDE));
      re += luminance * Math.cos(phase);
      im += luminance * Math.sin(phase);
    }
    found[c] = re * re + im * im;
  }
  return found;
}

describe('GeneratedImages', () => {
  it('is a function of seed, split and index', () => {
    const pixels = (options: object, index = 3): number[] => {
      const dataset = new GeneratedImages({ numSamples: 8, ...options });
      return [...((dataset.getDataInfo(index)['img'] as HostArray).data as Uint8Array)];
    };
    expect(pixels({})).toEqual(pixels({ numSamples: 20 }));
    expect(pixels({})).not.toEqual(pixels({ seed: 1 }));
    expect(pixels({})).not.toEqual(pixels({ train: false }));
    expect(pixels({ imageSize: 8 })).toHaveLength(8 * 8 * 3);
  });

  it('has as many images of each class, and says that they are generated', () => {
    const dataset = new GeneratedImages({ numSamples: 20, numClasses: 4 });
    expect(Array.from({ length: 20 }, (_, i) => dataset.getCatIds(i)[0])).toEqual(
      Array.from({ length: 20 }, (_, i) => i % 4),
    );
    expect(dataset.metainfo).toMatchObject({
      generated: true,
      classes: ['pattern 0', 'pattern 1', 'pattern 2', 'pattern 3'],
    });
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    buildDataloader({ dataset, shuffle: true });
    expect(warn.mock.calls[0]![0]).toMatch(/these 20 images are generated, not real data/);
    warn.mockRestore();
  });

  it('is more than a linear model can learn, but clear to one that sees oriented energy', () => {
    const train = images(new GeneratedImages({ numSamples: 500 }));
    const test = images(new GeneratedImages({ numSamples: 200, train: false }));
    const linear = linearAccuracy(train, test);
    expect(linear).toBeGreaterThan(0.12);
    expect(linear).toBeLessThan(0.8);
    const right = test.filter(({ x, y }) => {
      const energy = energies(x);
      return energy.indexOf(Math.max(...energy)) === y;
    });
    expect(right.length / test.length).toBeGreaterThan(0.95);
  });

  it('checks its options', () => {
    expect(() => new GeneratedImages({ numSamples: 0 })).toThrow(/GeneratedImages\.numSamples = 0/);
    expect(() => new GeneratedImages({ numSamples: 1, numClass: 3 } as never)).toThrow(
      /did you mean 'numClasses'/,
    );
  });
});
