import type { Runner, RunnerOptions } from '@engine/runner';
import { tf } from '@engine/tensor';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type ToyModel, toyOptions, trained } from './toy.js';

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

  it.each([
    [{ interval: 0 }, /interval/],
    [{ normType: -1 }, /normType/],
    [{ perParam: 3 }, /perParam/],
    [{ perGroup: 'yes' }, /perGroup/],
  ])('%j is refused', async (hook, message) => {
    await expect(run(hook)).rejects.toThrow(message);
  });
});

function snapshot(model: ToyModel): Float32Array[] {
  return model.parameters().map((variable) => Float32Array.from(variable.dataSync()));
}

function distance(a: Float32Array, b: Float32Array): number {
  return tf.tidy(() => tf.norm(tf.sub(tf.tensor1d(a), tf.tensor1d(b))).dataSync()[0]!);
}
