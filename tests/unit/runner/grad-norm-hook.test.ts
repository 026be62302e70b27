import { BaseModel, Linear } from '@engine/nn';
import type { OptimWrapperDict } from '@engine/optim';
import type { Runner, RunnerOptions } from '@engine/runner';
import { scope, tf, type LogVars, type Scalar, type Tensor } from '@engine/tensor';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type ToyModel, toyOptions, trained } from './toy.js';

/** Two linear models in a row, each with an optimizer. */
class Pair extends BaseModel {
  first = new Linear({ inFeatures: 2, outFeatures: 2 });
  second = new Linear({ inFeatures: 2, outFeatures: 1 });

  override forward(inputs: Tensor): Tensor {
    return this.second.forward(this.first.forward(inputs));
  }
  override trainStep(data: unknown, wrappers: OptimWrapperDict): LogVars {
    return scope(() => {
      const [inputs, targets] = this.preprocess(data, true) as [Tensor, Tensor];
      const step = (name: string): LogVars =>
        wrappers.get(name).step(() => {
          const loss = tf.mean(tf.squaredDifference(this.forward(inputs), targets)) as Scalar;
          return { loss, logVars: { [`loss_${name}`]: tf.keep(loss.clone()) } };
        });
      return { ...step('first'), ...step('second') };
    });
  }
}

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const run = (hook: object, changes: Partial<RunnerOptions> = {}): Promise<Runner> =>
  trained(
    toyOptions(workDir, {
      customHooks: [{ type: 'GradNormHook', interval: 1, ...hook } as never],
      optimWrapper: { optimizer: { type: 'SGD', lr: 0.05 } },
      trainCfg: { maxEpochs: 1 },
      ...changes,
    }),
  );
const values = (runner: Runner, key: string): number[] => [
  ...runner.messageHub.getScalar(`train/${key}`).history.values,
];

describe('GradNormHook', () => {
  it('records the norm of all gradients, by group and by parameter', async () => {
    // Plain SGD moves each parameter by lr times its gradient, which gives the norms from outside.
    const before: Float32Array[][] = [];
    const weights = { beforeTrainIter: (r: { model: ToyModel }) => void before.push(snapshot(r.model)) };
    const runner = await run(
      { perGroup: true, perParam: true },
      {
        customHooks: [
          { type: 'GradNormHook', interval: 1, perGroup: true, perParam: true } as never,
          weights as never,
        ],
        optimWrapper: {
          optimizer: { type: 'SGD', lr: 0.05 },
          paramwiseCfg: { biasLrMult: 1.0000001 },
        } as never,
      },
    );
    before.push(snapshot(runner.model as ToyModel));
    const total = values(runner, 'total_grad_norm');
    expect(total).toHaveLength(4);
    for (let i = 0; i < 4; i++) {
      const [weight, bias] = [0, 1].map((p) => distance(before[i]![p]!, before[i + 1]![p]!) / 0.05);
      expect(values(runner, 'grad_norm/linear.weight')[i]).toBeCloseTo(weight!, 4);
      expect(values(runner, 'grad_norm/linear.bias')[i]).toBeCloseTo(bias!, 4);
      expect(total[i]).toBeCloseTo(Math.hypot(weight!, bias!), 4);
      const groups = [values(runner, 'grad_norm/group0')[i]!, values(runner, 'grad_norm/group1')[i]!];
      expect(Math.hypot(...groups)).toBeCloseTo(total[i]!, 5);
    }
  });

  it('agrees with clipping, whose norm is that before clipping too', async () => {
    const runner = await run(
      {},
      { optimWrapper: { optimizer: { type: 'SGD', lr: 0.05 }, clipGrad: { maxNorm: 0.1 } } },
    );
    values(runner, 'grad_norm').forEach((norm, i) =>
      expect(values(runner, 'total_grad_norm')[i]).toBeCloseTo(norm, 5),
    );
  });

  it('counts updates, so that accumulated steps make one norm', async () => {
    const optimWrapper = { optimizer: { type: 'SGD', lr: 0.05 }, accumulativeCounts: 2 } as never;
    expect(values(await run({}, { optimWrapper }), 'total_grad_norm')).toHaveLength(2);
    expect(values(await run({ interval: 3 }), 'total_grad_norm')).toHaveLength(1);
  });

  it('takes other norms, and only the parameters named', async () => {
    const runner = await run({ normType: 'inf', perParam: ['linear.b'] });
    expect(runner.messageHub.logScalars.has('train/grad_norm/linear.weight')).toBe(false);
    const largest = values(runner, 'total_grad_norm');
    values(runner, 'grad_norm/linear.bias').forEach((norm, i) =>
      expect(norm).toBeLessThanOrEqual(largest[i]! + 1e-6),
    );
    const one = values(await run({ normType: 1 }), 'total_grad_norm');
    one.forEach((norm, i) => expect(norm).toBeGreaterThan(largest[i]!));
  });

  it('measures gradients without the scale of the loss, and skips steps that overflow', async () => {
    const expected = values(await run({ perParam: true }), 'total_grad_norm');
    const amp = (lossScale: object | number): Partial<RunnerOptions> => ({
      optimWrapper: {
        type: 'AmpOptimWrapper',
        dtype: 'float32',
        lossScale,
        optimizer: { type: 'SGD', lr: 0.05 },
      } as never,
    });
    const scaled = values(await run({}, amp(1024)), 'total_grad_norm');
    expect(scaled).toHaveLength(4);
    scaled.forEach((norm, i) => expect(norm).toBeCloseTo(expected[i]!, 5));
    // The first step overflows float32 and updates nothing; the next one computes the same gradients on other data.
    const overflowing = await run({}, amp({ initScale: 2 ** 127, backoffFactor: 2 ** -100 }));
    const found = values(overflowing, 'total_grad_norm');
    expect(overflowing.optimWrapper).toMatchObject({ optimizerSteps: 3, lossScale: 2 ** 27 });
    expect(found).toHaveLength(3);
    expect(found.every((norm) => Number.isFinite(norm) && norm < 100)).toBe(true);
  });

  it('names the norms of several optimizers after them', async () => {
    const before: Float32Array[][] = [];
    const watch = {
      priority: 'LOWEST',
      afterTrainIter: (r: { model: Pair }) => void before.push(snapshot(r.model)),
    };
    const runner = await run(
      {},
      {
        model: { type: Pair } as never,
        optimWrapper: {
          first: { optimizer: { type: 'SGD', lr: 0.1 } },
          second: {
            type: 'AmpOptimWrapper',
            dtype: 'float32',
            lossScale: 64,
            optimizer: { type: 'SGD', lr: 0.2 },
          },
        } as never,
        customHooks: [{ type: 'GradNormHook', interval: 1, perGroup: true } as never, watch as never],
      },
    );
    expect(before).toHaveLength(4);
    const moved = (i: number, params: number[], lr: number): number =>
      Math.hypot(...params.map((p) => distance(before[i - 1]![p]!, before[i]![p]!))) / lr;
    for (const i of [1, 2, 3]) {
      expect(values(runner, 'first.total_grad_norm')[i]).toBeCloseTo(moved(i, [0, 1], 0.1), 4);
      expect(values(runner, 'second.total_grad_norm')[i]).toBeCloseTo(moved(i, [2, 3], 0.2), 4);
      expect(values(runner, 'second.grad_norm/group0')[i]).toBeCloseTo(moved(i, [2, 3], 0.2), 4);
    }
  });

  it.each([
    [{ interval: 0 }, /interval/],
    [{ normType: -1 }, /normType/],
    [{ perParam: 3 }, /perParam/],
    [{ perGroup: 'yes' }, /perGroup/],
  ])('%j is refused', async (hook, message) => {
    await expect(run(hook)).rejects.toThrow(message);
  });
});

function snapshot(model: BaseModel): Float32Array[] {
  return model.parameters().map((variable) => Float32Array.from(variable.dataSync()));
}

function distance(a: Float32Array, b: Float32Array): number {
  return tf.tidy(() => tf.norm(tf.sub(tf.tensor1d(a), tf.tensor1d(b))).dataSync()[0]!);
}
