import { MODELS } from '@engine/core';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import {
  ConvTranspose2d,
  ELU,
  Embedding,
  GroupNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  LayerNorm,
  LogSoftmax,
  MultiheadAttention,
  Softmax,
  Softplus,
  Upsample,
  interpolate,
  toTorchLayout,
  type Module,
} from '../index.js';

const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());
const near = (received: Tensor, expected: readonly number[]): void => {
  const found = values(received);
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => expect(value, `element ${i}`).toBeCloseTo(expected[i]!, 5));
};
/** Runs fn within a scope of its own, which must leave nothing behind, and frees the module. */
function using<M extends Module>(make: () => M, fn: (module: M) => void): void {
  expectNoLeak(() => {
    const module = make();
    tf.tidy(() => fn(module));
    module.dispose();
  });
}

describe('normalisation layers', () => {
  it('LayerNorm goes over several axes, with and without scale and shift', () => {
    const x = tf.tensor3d([1, 2, 3, 6, -2, 0, 2, 0], [2, 2, 2]);
    const std = [Math.sqrt(3.5), Math.sqrt(2)] as const;
    const expected = [-2, -1, 0, 3].map((d) => d / std[0]).concat([-2, 0, 2, 0].map((d) => d / std[1]));
    using(
      () => new LayerNorm({ normalizedShape: [2, 2], elementwiseAffine: false, eps: 0 }),
      (norm) => {
        expect(norm.parameters()).toEqual([]);
        near(norm.forward(x), expected);
      },
    );
    using(
      () => new LayerNorm({ normalizedShape: [2, 2], bias: false }),
      (norm) => {
        expect(Object.keys(norm.stateDict())).toEqual(['weight']);
        expect(norm.weight!.shape).toEqual([2, 2]);
        expect(() => norm.forward(tf.ones([2, 4]))).toThrow('[..., 2, 2]');
      },
    );
    expect(() => new LayerNorm({ normalizedShape: [] })).toThrow('at least one length');
  });

  it('GroupNorm goes over neighbouring channels', () => {
    using(
      () => new GroupNorm({ numGroups: 2, numChannels: 4, affine: false, eps: 0 }),
      (norm) => near(norm.forward(tf.tensor2d([[1, 3, 10, 30]])), [-1, 1, -1, 1]),
    );
    expect(() => new GroupNorm({ numGroups: 3, numChannels: 4 })).toThrow('GroupNorm.numGroups');
    expect(new GroupNorm({ numGroups: 1, numChannels: 1 }).kind).toBe('norm');
  });

  it('InstanceNorm keeps statistics when asked, and uses them in evaluation', () => {
    using(
      () => new InstanceNorm1d({ numFeatures: 1, trackRunningStats: true, momentum: 0.25, eps: 0 }),
      (norm) => {
        const x = tf.tensor3d([1, 3, 5, 5, 5, 11], [2, 3, 1]);
        norm.forward(x);
        // Means 3 and 7; unbiased variances 4 and 12.
        near(norm.runningMean!, [0.25 * 5]);
        near(norm.runningVar!, [0.75 + 0.25 * 8]);
        near(norm.eval().forward(tf.tensor3d([1.25], [1, 1, 1])), [0]);
        expect(Object.keys(norm.stateDict())).toEqual(['running_mean', 'running_var', 'num_batches_tracked']);
      },
    );
    using(
      () => new InstanceNorm2d({ numFeatures: 2 }),
      (norm) => {
        expect(norm.stateDict()).toEqual({});
        expect(() => norm.forward(tf.ones([1, 1, 1, 2]))).toThrow('more than one position');
        expect(() => norm.forward(tf.ones([1, 4, 2]))).toThrow('[N, H, W, 2]');
      },
    );
  });
});

describe('ConvTranspose2d', () => {
  it('has the size that PyTorch documents, and its weight in PyTorch order on disk', () => {
    using(
      () =>
        new ConvTranspose2d({
          inChannels: 4,
          outChannels: 6,
          kernelSize: 3,
          stride: 2,
          padding: 1,
          outputPadding: 1,
          groups: 2,
        }),
      (conv) => {
        expect(conv.forward(tf.ones([1, 5, 4, 4])).shape).toEqual([1, 10, 8, 6]);
        expect(conv.layouts()['weight']).toBe('HWOI');
        expect(toTorchLayout(conv.weight as Tensor, 'HWOI').shape).toEqual([4, 3, 3, 3]);
      },
    );
    const options = { inChannels: 2, outChannels: 2, kernelSize: 3 };
    expect(() => new ConvTranspose2d({ ...options, outputPadding: 1 })).toThrow(
      'ConvTranspose2d.outputPadding',
    );
    expect(() => new ConvTranspose2d({ ...options, groups: 3 })).toThrow('ConvTranspose2d.groups');
  });
});

describe('Embedding', () => {
  it('starts with zeros in the row of padding, also counted from the end', () => {
    using(
      () => new Embedding({ numEmbeddings: 4, embeddingDim: 2, paddingIdx: -1 }),
      (table) => {
        table.initWeights({ seed: 3 });
        const y = values(table.forward(tf.tensor1d([3, 0], 'int32')));
        expect(y.slice(0, 2)).toEqual([0, 0]);
        expect(y.slice(2).every((value) => value !== 0)).toBe(true);
        expect(table.kind).toBe('embedding');
      },
    );
    expect(() => new Embedding({ numEmbeddings: 4, embeddingDim: 2, paddingIdx: 4 })).toThrow('from -4 to 3');
  });

  it('cuts the rows that it looks up to maxNorm, and no others', () => {
    using(
      () => new Embedding({ numEmbeddings: 2, embeddingDim: 2, maxNorm: 1 }),
      (table) => {
        table.weight.assign(tf.tensor2d([3, 4, 30, 40], [2, 2]));
        near(table.forward(tf.tensor1d([0], 'int32')), [0.6, 0.8]);
        near(table.weight, [0.6, 0.8, 30, 40]);
      },
    );
  });
});

describe('MultiheadAttention', () => {
  const make = (options: object = {}) => new MultiheadAttention({ embedDim: 4, numHeads: 2, ...options });
  const draw = (shape: number[]): Tensor =>
    tf.sin(
      tf.reshape(
        tf.range(
          0,
          shape.reduce((a, b) => a * b),
        ),
        shape,
      ),
    );

  it("has PyTorch's parameters, and the axes it is told", () => {
    using(make, (attention) => {
      const names = ['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'];
      expect(Object.keys(attention.stateDict())).toEqual(names);
      const x = draw([3, 2, 4]);
      const swapped = make({ batchFirst: true });
      swapped.loadStateDict(attention.stateDict(), { strict: true });
      const y = tf.transpose(swapped.forward(tf.transpose(x, [1, 0, 2])), [1, 0, 2]);
      near(attention.forward(x), values(y));
      swapped.dispose();
    });
    expect(() => new MultiheadAttention({ embedDim: 5, numHeads: 2 })).toThrow('MultiheadAttention.numHeads');
  });

  it('takes keys and values of other lengths', () => {
    using(
      () => make({ kdim: 3, vdim: 5, batchFirst: true, bias: false }),
      (attention) => {
        const names = ['q_proj_weight', 'k_proj_weight', 'v_proj_weight', 'out_proj.weight'];
        expect(Object.keys(attention.stateDict())).toEqual(names);
        const y = attention.forward(draw([2, 3, 4]), draw([2, 6, 3]), draw([2, 6, 5]));
        expect(y.shape).toEqual([2, 3, 4]);
        expect(() => attention.forward(draw([2, 3, 4]))).toThrow('key.shape');
      },
    );
  });

  it('sees nothing of what its masks hide, and gives the same by either kind of mask', () => {
    using(
      () => make({ batchFirst: true }),
      (attention) => {
        const x = draw([2, 3, 4]);
        const hidden = tf.tensor2d([0, 1, 1, 0, 0, 1, 0, 0, 0], [3, 3]);
        const attnMask = tf.cast(hidden, 'bool');
        const causal = values(attention.forward(x, x, x, { isCausal: true }));
        near(attention.forward(x, x, x, { attnMask }), causal);
        near(attention.forward(x, x, x, { attnMask: tf.mul(hidden, -1e9) }), causal);
        near(attention.forward(x, x.clone(), x, { isCausal: true }), causal);
        const keyPaddingMask = tf.cast(tf.tensor2d([0, 0, 1, 0, 0, 1], [2, 3]), 'bool');
        const short = tf.slice(x, 0, [2, 2, 4]);
        near(attention.forward(x, x, x, { keyPaddingMask }), values(attention.forward(x, short, short)));
        expect(() => attention.forward(x, x, x, { attnMask: tf.zeros([2, 2]) })).toThrow('attnMask');
      },
    );
  });

  it('drops attention weights in training only', () => {
    using(
      () => make({ dropout: 0.5 }),
      (attention) => {
        const x = draw([6, 2, 4]);
        const plain = values(attention.eval().forward(x));
        expect(values(attention.train().forward(x))).not.toEqual(plain);
        expect(values(attention.eval().forward(x))).toEqual(plain);
      },
    );
  });
});

describe('activations', () => {
  it('without options can be built by name, keep the shape and pass a gradient', () => {
    const x = tf.tensor2d([-4, -1.25, -0.5, 0.5, 2, 7], [2, 3]);
    const at = (y: (value: number) => number): number[] => values(x).map(y);
    const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
    const [alpha, scale] = [1.6732632423543772, 1.0507009873554805];
    const formulas: Record<string, (value: number) => number> = {
      SiLU: (v) => v * sigmoid(v),
      Mish: (v) => v * Math.tanh(Math.log1p(Math.exp(v))),
      Hardswish: (v) => (v * Math.min(Math.max(v + 3, 0), 6)) / 6,
      Hardsigmoid: (v) => Math.min(Math.max(v + 3, 0), 6) / 6,
      Hardtanh: (v) => Math.min(Math.max(v, -1), 1),
      ReLU6: (v) => Math.min(Math.max(v, 0), 6),
      LeakyReLU: (v) => (v > 0 ? v : 0.01 * v),
      ELU: (v) => (v > 0 ? v : Math.expm1(v)),
      SELU: (v) => scale * (v > 0 ? v : alpha * Math.expm1(v)),
      Softplus: (v) => Math.log1p(Math.exp(v)),
      Sigmoid: sigmoid,
      LogSigmoid: (v) => Math.log(sigmoid(v)),
      Tanh: Math.tanh,
    };
    for (const [type, formula] of Object.entries(formulas)) {
      using(
        () => MODELS.build<Module>({ type } as never),
        (layer) => {
          const forward = (t: Tensor): Tensor =>
            (layer.forward as unknown as (t: Tensor) => Tensor).call(layer, t);
          near(forward(x), at(formula));
          const step = 1e-6;
          const slopes = at((v) => (formula(v + step) - formula(v - step)) / (2 * step));
          const grad = values(tf.grad((t) => tf.sum(forward(t)) as Tensor)(x));
          grad.forEach((value, i) => expect(value, `slope of ${type}`).toBeCloseTo(slopes[i]!, 4));
        },
      );
    }
  });

  it('follow their options', () => {
    const x = tf.tensor1d([-2, 0.5, 3]);
    near(new ELU({ alpha: 2 }).forward(x), [2 * Math.expm1(-2), 0.5, 3]);
    const soft = (v: number): number => Math.log1p(Math.exp(2 * v)) / 2;
    near(new Softplus({ beta: 2, threshold: 2 }).forward(x), [soft(-2), soft(0.5), 3]);
    expect(values(tf.grad((t) => tf.sum(new Softplus({ threshold: 2 }).forward(t)) as Tensor)(x))[2]).toBe(1);
  });

  it('Softmax and LogSoftmax go along any axis', () => {
    tf.tidy(() => {
      const x = tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 9], [2, 2, 2]);
      const e = Math.exp(2) / (1 + Math.exp(2));
      const y = new Softmax({ dim: 1 }).forward(x);
      near(y, [1 - e, 1 - e, e, e, 1 - e, 1 / (1 + Math.exp(3)), e, 1 / (1 + Math.exp(-3))]);
      near(tf.exp(new LogSoftmax({ dim: -2 }).forward(x)), values(y));
      expect(() => new Softmax({ dim: 3 }).forward(x)).toThrow('Softmax.dim');
    });
  });
});

describe('Upsample and interpolate', () => {
  it('take a size or a factor, for each direction', () => {
    tf.tidy(() => {
      const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
      near(new Upsample({ scaleFactor: [1, 2] }).forward(x), [1, 1, 2, 2, 3, 3, 4, 4]);
      near(interpolate(x, { size: 1, mode: 'area' }), [2.5]);
      near(interpolate(x, { size: [3, 1], mode: 'bilinear', alignCorners: true }), [1, 2, 3]);
      expect(interpolate(x, { scaleFactor: 1.6, mode: 'bicubic' }).shape).toEqual([1, 3, 3, 1]);
    });
  });

  it('refuse options that do not go together', () => {
    expect(() => new Upsample({})).toThrow('Upsample.size');
    expect(() => new Upsample({ size: 2, scaleFactor: 2 })).toThrow('not both');
    expect(() => new Upsample({ size: 2, alignCorners: true })).toThrow("nothing with mode 'nearest'");
    expect(() => interpolate(tf.ones([1, 2, 2, 1]), { size: 2, mode: 'linear' as never })).toThrow(
      'interpolate.mode',
    );
  });
});
