// Saves and loads a run, ours: an action for every line that it reads.
import { createInterface } from 'node:readline';
import { openCheckpoint, restoreRun } from '@engine/runner';
import { answer, runOf } from './model.mjs';

const [device, workDir] = process.argv.slice(2);
const run = runOf({
  device,
  workDir,
  iterations: 2,
  defaultHooks: { checkpoint: { type: 'CheckpointHook', interval: -1, saveLast: false } },
});
await run.train();
const last = run.model.parameters().at(-1);
const tensors = run.model.parameters().map(({ shape }) => shape);
answer({ tensors, folder: run.checkpoints.folderOf({ epoch: run.epoch, iter: run.iter }) });

const actions = {
  save: () => run.saveCheckpoint(),
  async load() {
    const { content } = await openCheckpoint(run.checkpoints.newest, run.logger);
    restoreRun(run, content);
    last.dataSync();
  },
};
for await (const action of createInterface({ input: process.stdin })) {
  const start = performance.now();
  await actions[action]();
  answer({ ms: performance.now() - start });
}
await run.close();
process.exit(0);
