import { storageDtype, TorchBackend } from '@engine/backend-torch';
import { Linear, Module, turnOnActivationCheckpointing } from '@engine/nn';
import { AmpOptimWrapper, SGD } from '@engine/optim';
import { tf, type Scalar, type Tensor } from '@engine/tensor';
import { Runner, type RunnerOptions } from '@engine/runner';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder, ToyModel, toyLoader, toyOptions, toyVal, trained, weights } from './toy.js';

const folder = temporaryFolder();
afterAll(() => folder.dispose());

const { available } = await new TorchBackend().probe();
const seen: Record<string, string[]> = {};

/** Writes down how its products are stored. */
class Watched extends ToyModel {
  override forward(inputs: Tensor, targets: Tensor, mode: 'loss' | 'predict' | 'tensor' = 'tensor') {
    const product = tf.matMul(inputs as tf.Tensor2D, this.linear.weight as unknown as tf.Tensor2D);
    if (tf.getBackend() === 'torch') (seen[mode] ??= []).push(storageDtype(product));
    product.dispose();
    return super.forward(inputs, targets, mode);
  }
}

const options = (changes: Partial<RunnerOptions>): RunnerOptions =>
  toyOptions(folder.path, { model: { type: Watched } as never, trainCfg: { maxEpochs: 2 }, ...changes });

const amp = (extra: object = {}): RunnerOptions['optimWrapper'] =>
  ({ type: 'AmpOptimWrapper', ...extra, optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9 } }) as never;

describe.skipIf(!available)('mixed precision in a run', () => {
  it('trains under autocast, and evaluates under it where fp16 says so', async () => {
    for (const fp16 of [false, true]) {
      delete seen['loss'];
      delete seen['predict'];
      const runner = await trained(
        options({
          device: 'torch',
          optimWrapper: amp(),
          ...toyVal([1, 2]),
          valCfg: { fp16 } as never,
        }),
      );
      expect(new Set(seen['loss'])).toEqual(new Set(['bfloat16']));
      expect(new Set(seen['predict'])).toEqual(new Set([fp16 ? 'bfloat16' : 'float32']));
      expect(weights(runner).every(Number.isFinite)).toBe(true);
      runner.optimWrapper.dispose();
      runner.model.dispose();
    }
  });

  it('tests under autocast', async () => {
    delete seen['predict'];
    const { valEvaluator } = toyVal([1]);
    const runner = new Runner({
      model: { type: Watched } as never,
      workDir: folder.path,
      logLevel: 'ERROR',
      device: 'torch',
      testDataloader: toyLoader() as never,
      testEvaluator: valEvaluator!,
      testCfg: { fp16: true } as never,
    });
    await runner.test();
    await runner.close();
    expect(new Set(seen['predict'])).toEqual(new Set(['bfloat16']));
    runner.model.dispose();
  });

  it('repeats checkpointed modules under the autocast of the forward pass, with equal updates', async () => {
    await tf.setBackend('torch');
    const types: string[] = [];
    class Block extends Module {
      first = new Linear({ inFeatures: 8, outFeatures: 8 });
      second = new Linear({ inFeatures: 8, outFeatures: 8 });
      forward(x: Tensor): { out: Tensor; rest: Tensor[] } {
        const hidden = tf.relu(this.first.forward(x));
        types.push(storageDtype(hidden));
        return { out: this.second.forward(hidden), rest: [hidden, tf.exp(hidden)] };
      }
    }
    class Net extends Module {
      block = new Block();
      head = new Linear({ inFeatures: 8, outFeatures: 1 });
      forward(x: Tensor): Tensor {
        const { out, rest } = this.block.forward(x);
        return tf.mean(tf.square(this.head.forward(tf.add(out, tf.mul(rest[0]!, rest[1]!)))));
      }
    }
    const updated = (names?: string): number[][] => {
      const net = new Net();
      net.initWeights({ seed: 6 });
      if (names) turnOnActivationCheckpointing(net, names);
      const wrapper = new AmpOptimWrapper(new SGD(net.paramRefs(), { lr: 0.1 }), {
        dtype: 'bfloat16',
        lossScale: 128,
      });
      wrapper.initializeCountStatus(net, 0, 3);
      const x = tf.randomNormal([16, 8], 0, 1, 'float32', 2);
      for (let step = 0; step < 3; step++)
        tf.dispose(wrapper.step(() => ({ loss: net.forward(x) as Scalar, logVars: {} })));
      const found = net.parameters().map((variable) => [...variable.dataSync()]);
      x.dispose();
      wrapper.dispose();
      net.dispose();
      return found;
    };
    const plain = updated();
    expect(types.splice(0)).toEqual(Array(3).fill('bfloat16'));
    const checkpointed = updated('block');
    expect(types.splice(0)).toEqual(Array(6).fill('bfloat16'));
    expect(checkpointed).toEqual(plain);
    expect(updated('*')).toEqual(plain);
  });

  it('resumes with the loss scale', async () => {
    const scaled = amp({ dtype: 'float32', lossScale: { initScale: 64, growthInterval: 3 } });
    const first = await trained(options({ device: 'cpu', optimWrapper: scaled }));
    const second = await trained(
      options({ device: 'cpu', optimWrapper: scaled, resume: true, trainCfg: { maxEpochs: 3 } }),
    );
    // 12 iterations, 4 doublings.
    expect((first.optimWrapper as unknown as { lossScale: number }).lossScale).toBe(256);
    expect((second.optimWrapper as unknown as { lossScale: number }).lossScale).toBe(1024);
  });
});

describe('on a backend that has float32 only', () => {
  it('asking for less is an error that says what can be', async () => {
    const tried = [{ optimWrapper: amp() }, { ...toyVal([1]), valCfg: { fp16: true } as never }];
    for (const changes of tried) {
      await expect(trained(options({ device: 'cpu', ...changes }))).rejects.toThrow(
        /\[E_AUTOCAST_DTYPE\][^]*expected +float32/,
      );
    }
    await expect(
      trained(options({ device: 'cpu', ...toyVal([1]), valCfg: { fp16: 1 } as never })),
    ).rejects.toThrow(/valCfg\.fp16/);
  });
});
