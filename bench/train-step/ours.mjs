// One model, ours: runs a round for every line that it reads, and answers in lines of JSON. As `save` it writes its
// initial weights and data for the peer instead, in a process of its own, so that this costs the other one no memory.
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AmpOptimWrapper, OptimWrapper } from '@engine/optim';
import { selectDevice, tf, toHostArray } from '@engine/tensor';
import { lossOf, MODELS } from './models.mjs';

const [name, device, folder, dtype = 'float32', task] = process.argv.slice(2);
const { make, optimizer, steps } = MODELS[name];
const { backend } = await selectDevice(device);
const { model, x, y } = make();
model.train();

/** Everything in PyTorch's layout, as raw numbers and a list of names and shapes. */
function save() {
  const entries = [];
  const chunks = [];
  const add = (key, tensor, layout) => {
    const turned = tf.tidy(() =>
      tf.keep(
        layout === 'HWIO'
          ? tf.transpose(tensor, [3, 2, 0, 1])
          : layout === 'IO'
            ? tf.transpose(tensor)
            : tensor.clone(),
      ),
    );
    const { data, shape, dtype } = toHostArray(turned);
    entries.push({ key, shape, dtype });
    chunks.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    turned.dispose();
  };
  for (const { name: key, variable, layout } of model.paramRefs()) add(key, variable, layout);
  const images = x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x;
  add('input:x', images, 'none');
  add('input:y', y, 'none');
  writeFileSync(join(folder, `${name}.bin`), Buffer.concat(chunks));
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(entries));
}
if (task === 'save') {
  save();
  process.exit();
}

const wrapper =
  dtype === 'float32' ? new OptimWrapper(optimizer(model)) : new AmpOptimWrapper(optimizer(model), { dtype });

function step() {
  const { loss } = wrapper.step(() => {
    const value = lossOf(model, x, y);
    return { loss: value, logVars: { loss: tf.keep(value.clone()) } };
  });
  return loss;
}

function readLoss(loss) {
  const value = loss.dataSync()[0];
  loss.dispose();
  return value;
}

/** Highest resident memory so far, in MB. */
function peakMemory() {
  const line = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  return line ? Math.round(Number(line[1]) / 1024) : null;
}

const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
const losses = [];
for (let i = 0; i < 5; i++) losses.push(readLoss(step()));
answer({ losses });

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'round') break;
  const before = tf.memory().numTensors;
  const start = performance.now();
  let loss;
  for (let i = 0; i < steps; i++) {
    loss?.dispose();
    loss = step();
  }
  readLoss(loss);
  const ms = (performance.now() - start) / steps;
  answer({
    ms,
    leaked: tf.memory().numTensors - before,
    peakMemory: peakMemory(),
    tensorBytes: backend.memory?.().peakBytes,
  });
}
const { fallbackCounts } = await import('@engine/backend-torch');
answer({ fallbacks: fallbackCounts() });
