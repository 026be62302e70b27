import { tf } from '@engine/tensor';
import { afterAll, expect, it } from 'vitest';
import { temporaryFolder, toyOptions, toyVal, trained } from './toy.js';

const folder = temporaryFolder();
afterAll(() => folder.dispose());

it('keeps as many tensors after 400 iterations, validations and checkpoints as after 20', async () => {
  const counts = new Map<number, number>();
  const watch = {
    priority: 'LOWEST' as const,
    // Before a step the hub's unread scalars differ with the log interval; multiples of it compare like with like.
    beforeTrainIter: (run: { iter: number }) => void counts.set(run.iter, tf.memory().numTensors),
  };
  await trained(
    toyOptions(folder.path, {
      customHooks: [watch],
      trainCfg: { maxIters: 401, valInterval: 40 },
      ...toyVal([1]),
      defaultHooks: { checkpoint: { type: 'CheckpointHook', every: '40it', maxKeepCkpts: 2 } as never },
    }),
  );
  expect(counts.get(400)).toBe(counts.get(20));
});

it('frees everything but the model when the run is over', async () => {
  const before = tf.memory().numTensors;
  const runner = await trained(toyOptions(folder.path));
  runner.optimWrapper.dispose();
  runner.model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
