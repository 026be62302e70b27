// Microseconds per iteration that the Runner, with its default hooks, adds over a bare loop doing the same step on the
// same loader: nn.Linear(1, 1), batch 8, 2000 iterations, a log line every 10; then the same with EMAHook and
// LRMonitorHook beside them (`withEmaAndLrMonitor`). Rounds alternate; medians are reported.
//   npm run bench -- loop-overhead [--iters 2000] [--rounds 25] [--device auto]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hostArray } from '@engine/core';
import { DataLoader, DefaultSampler } from '@engine/data';
import { BaseModel, Linear } from '@engine/nn';
import { OptimWrapper, SGD } from '@engine/optim';
import { Runner } from '@engine/runner';
import { selectDevice, tf } from '@engine/tensor';

const { values } = parseArgs({
  options: {
    iters: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '25' },
    device: { type: 'string', default: 'auto' },
  },
});
const iters = Number(values.iters);
const rounds = Number(values.rounds);
const batchSize = 8;

class Toy extends BaseModel {
  linear = new Linear({ inFeatures: 1, outFeatures: 1 });

  forward(inputs, _samples, mode) {
    const out = this.linear.forward(inputs);
    return mode === 'loss' ? { loss: out.mean() } : out;
  }
}

const dataset = {
  length: iters * batchSize,
  getItem: (index) => ({ inputs: hostArray(Float32Array.of(index % 7), [1]) }),
};

const loader = () =>
  new DataLoader({
    dataset,
    sampler: new DefaultSampler(dataset, { shuffle: true, seed: 0 }),
    batchSize,
    collateFn: 'defaultCollate',
  });

/** Seconds for all iterations of the loop alone. */
async function bare() {
  const model = new Toy();
  const wrapper = new OptimWrapper(new SGD(model.paramRefs(), { lr: 0.01 }));
  const batches = loader();
  model.train();
  const start = performance.now();
  for await (const batch of batches.iterate(0)) {
    for (const value of Object.values(model.trainStep(batch, wrapper)))
      if (typeof value !== 'number') value.dispose();
  }
  const seconds = (performance.now() - start) / 1000;
  wrapper.dispose();
  model.dispose();
  await batches.close();
  return seconds;
}

/**
 * Seconds from beforeTrain to the end of the last iteration under the Runner with its default hooks, and those that the
 * end of the epoch takes after it: one checkpoint, synced to disk, whatever the number of iterations.
 */
async function underRunner(hooks = []) {
  const workDir = mkdtempSync(join(tmpdir(), 'loop-overhead-'));
  let start = 0;
  let seconds = 0;
  let epochEnd = 0;
  const watch = {
    priority: 'LOWEST',
    beforeTrain: () => void (start = performance.now()),
    afterTrainIter: (run) => {
      if (run.iter + 1 === iters) seconds = (performance.now() - start) / 1000;
    },
    afterTrainEpoch: () => void (epochEnd = (performance.now() - start) / 1000 - seconds),
  };
  const model = new Toy();
  const runner = new Runner({
    model,
    workDir,
    device: values.device,
    trainDataloader: loader(),
    trainCfg: { maxEpochs: 1 },
    optimWrapper: new OptimWrapper(new SGD(model.paramRefs(), { lr: 0.01 })),
    customHooks: [...hooks, watch],
    randomness: { seed: 0 },
  });
  await runner.train();
  await runner.close();
  runner.optimWrapper.dispose();
  model.dispose();
  rmSync(workDir, { recursive: true, force: true });
  return { seconds, epochEnd };
}

function peerOverhead() {
  const script = fileURLToPath(new URL('./peer.py', import.meta.url));
  const found = spawnSync('python3', [script, String(iters), String(batchSize)], {
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (found.error) return { peer: null, peerMissing: 'python3 is not installed' };
  const last = found.stdout.trim().split('\n').at(-1) ?? '';
  if (found.status === 0 && last.startsWith('{')) return JSON.parse(last);
  const reason = found.stderr.trim().split('\n').at(-1) ?? 'unknown reason';
  return { peer: null, peerMissing: `torch and mmengine cannot be imported: ${reason}` };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const MORE_HOOKS = [{ type: 'EMAHook' }, { type: 'LRMonitorHook' }];

await selectDevice(values.device);
await bare();
await underRunner();
await underRunner(MORE_HOOKS);
const bareTimes = [];
const runnerTimes = [];
const moreTimes = [];
const epochEnds = [];
for (let round = 0; round < rounds; round++) {
  bareTimes.push(await bare());
  const { seconds, epochEnd } = await underRunner();
  runnerTimes.push(seconds);
  epochEnds.push(epochEnd);
  moreTimes.push((await underRunner(MORE_HOOKS)).seconds);
}
const micro = (seconds) => (seconds / iters) * 1e6;
const differences = runnerTimes.map((time, i) => micro(time - bareTimes[i]));
const ours = median(differences);
const more = moreTimes.map((time, i) => micro(time - bareTimes[i]));
const { peer, peerMissing, ...peerDetails } = peerOverhead();
const result = {
  name: 'loop-overhead',
  unit: 'µs/iteration',
  ours: Number(ours.toFixed(2)),
  peer: peer ?? null,
  ...(peer === null || peer === undefined ? { peerMissing } : {}),
  ratio: peer ? Number((ours / peer).toFixed(3)) : null,
  withEmaAndLrMonitor: Number(median(more).toFixed(2)),
  bare: Number(micro(median(bareTimes)).toFixed(2)),
  runner: Number(micro(median(runnerTimes)).toFixed(2)),
  epochEndMs: Number((median(epochEnds) * 1000).toFixed(1)),
  rounds: differences.map((value) => Number(value.toFixed(1))),
  roundsWithEmaAndLrMonitor: more.map((value) => Number(value.toFixed(1))),
  iters,
  backend: tf.getBackend(),
  ...peerDetails,
};
console.log(JSON.stringify(result));
