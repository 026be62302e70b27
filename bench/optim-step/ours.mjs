// One optimizer, ours: says what it updates, then makes a round of updates for every line that it reads.
import { createInterface } from 'node:readline';
import { OPTIMIZERS, RandomStream } from '@engine/core';
import '@engine/optim';
import '@engine/optim-lion';
import { randomNormal, selectDevice, tf } from '@engine/tensor';
import { ResNet } from '@engine/vision';

const [name, device, steps] = process.argv.slice(2);
await selectDevice(device);
const model = new ResNet({ depth: 50, numClasses: 1000 });
model.initWeights({ seed: 0 });
const params = model.paramRefs();
const grads = new Map(
  params.map(({ variable }, i) => {
    const grad = tf.tidy(() => tf.mul(randomNormal(variable.shape, RandomStream.of(1, 'grad', i)), 1e-3));
    return [variable, grad];
  }),
);
const optimizer = OPTIMIZERS.build({ type: name, lr: 1e-3 }, { args: [params] });
const last = params.at(-1).variable;
const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);

for (let i = 0; i < 3; i++) optimizer.step(grads);
const tensors = params.map(({ variable }) => variable.shape);
answer({ tensors, elements: params.reduce((sum, { variable }) => sum + variable.size, 0) });

for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  for (let i = 0; i < Number(steps); i++) optimizer.step(grads);
  // A device may still be at work.
  last.dataSync();
  answer({ ms: (performance.now() - start) / Number(steps) });
}
