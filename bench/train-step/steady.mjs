// Trains a model of the bench for many steps, and says in a line of JSON what grew after the first quarter of them:
// tensors, bytes of tensors, resident memory in MB; and which kernels left the backend.
//   node bench/train-step/steady.mjs [--model mlp] [--steps 2000] [--device torch]
import { parseArgs } from 'node:util';

import { fallbackCounts } from '@engine/backend-torch';
import { OptimWrapper } from '@engine/optim';
import { selectDevice, tf } from '@engine/tensor';

import { lossOf, MODELS } from './models.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'mlp' },
    steps: { type: 'string', default: '2000' },
    device: { type: 'string', default: 'torch' },
  },
});
const steps = Number(values.steps);
const { backend } = await selectDevice(values.device);
const { make, optimizer } = MODELS[values.model];
const { model, x, y } = make();
model.train();
const wrapper = new OptimWrapper(optimizer(model));

const megabytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
const state = () => ({
  tensors: tf.memory().numTensors,
  bytes: backend.memory?.().bytes ?? tf.memory().numBytes,
  residentMB: megabytes(),
});

let early = state();
const resident = [];
for (let step = 1; step <= steps; step++) {
  wrapper.step(() => ({ loss: lossOf(model, x, y), logVars: {} }));
  if (step === Math.ceil(steps / 4)) early = state();
  if (step % Math.ceil(steps / 8) === 0) resident.push(megabytes());
}
const late = state();
console.log(
  JSON.stringify({
    model: values.model,
    steps,
    leakedTensors: late.tensors - early.tensors,
    leakedBytes: late.bytes - early.bytes,
    residentGrowthMB: late.residentMB - early.residentMB,
    residentMB: resident,
    fallbacks: fallbackCounts(),
  }),
);
