import { BaseModel, BatchNorm2d, Conv2d, Sequential } from '@engine/nn';
import { Runner, type RunnerOptions } from '@engine/runner';
import { tf, type Tensor } from '@engine/tensor';
import { afterAll, expect, it, vi } from 'vitest';
import { temporaryFolder, toyOptions, toyVal, weights } from './toy.js';

const folder = temporaryFolder();
afterAll(() => folder.dispose());

/** The toy's points as pictures of one pixel. */
class Picture extends BaseModel {
  features = new Sequential([
    new Conv2d({ inChannels: 2, outChannels: 3, kernelSize: 1 }),
    new BatchNorm2d({ numFeatures: 3 }),
  ]);

  override forward(inputs: Tensor, targets: Tensor, mode: 'loss' | 'predict' | 'tensor' = 'tensor') {
    const out = tf.sum(this.features.forward(tf.reshape(inputs, [-1, 1, 1, 2])), [1, 2, 3]);
    if (mode === 'loss') return { loss: tf.mean(tf.squaredDifference(out, tf.squeeze(targets, [1]))) };
    return mode === 'predict' ? [out, targets] : out;
  }
}

/** Weights after training, and how often a batch norm normalised. */
async function run(changes: Partial<RunnerOptions>): Promise<{ weights: number[]; calls: number }> {
  const normalize = vi.spyOn(BatchNorm2d.prototype as never as { normalize(): void }, 'normalize');
  try {
    const runner = new Runner(
      toyOptions(folder.path, {
        model: { type: Picture } as never,
        trainCfg: { maxEpochs: 2 },
        ...toyVal([1]),
        ...changes,
      }),
    );
    await runner.train();
    await runner.close();
    const found = { weights: weights(runner), calls: normalize.mock.calls.length };
    runner.optimWrapper.dispose();
    runner.model.dispose();
    return found;
  } finally {
    normalize.mockRestore();
  }
}

it('efficientConvBnEval spares batch norms in validation, and leaves training as it is', async () => {
  const plain = await run({});
  for (const efficientConvBnEval of [true, 'features', ['features']]) {
    const folded = await run({ efficientConvBnEval });
    expect(folded.weights).toEqual(plain.weights);
    // Four batches in each of two epochs and validations; the first validation batch shows what to fold where a mode is new.
    expect([plain.calls, folded.calls]).toEqual([16, efficientConvBnEval === true ? 9 : 8]);
  }
});

it('names of modules are checked', async () => {
  await expect(run({ efficientConvBnEval: ['featurs'] })).rejects.toThrow(/E_MODULE_NAME[^]*'features'/);
  expect(() => new Runner(toyOptions(folder.path, { efficientConvBnEval: 3 as never }))).toThrow(
    /efficientConvBnEval = 3/,
  );
});
