// Where the time of a training step goes: milliseconds and calls of each kernel in a step, the largest first, and what
// remains for tfjs and the engine. Kernels of the CPU run when they are called, so that their calls can be timed.
//   node bench/train-step/profile.mjs [--model resnet18] [--steps 12] [--device torch]
//                                      [--dtype float32|bf16]
import { parseArgs } from 'node:util';

import { AmpOptimWrapper, OptimWrapper } from '@engine/optim';
import { selectDevice, tf } from '@engine/tensor';

import { lossOf, MODELS } from './models.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet18' },
    steps: { type: 'string', default: '12' },
    device: { type: 'string', default: 'torch' },
    dtype: { type: 'string', default: 'float32' },
  },
});
const steps = Number(values.steps);
await selectDevice(values.device);
const { make, optimizer } = MODELS[values.model];
const { model, x, y } = make();
model.train();
const wrapper =
  values.dtype === 'float32'
    ? new OptimWrapper(optimizer(model))
    : new AmpOptimWrapper(optimizer(model), { dtype: 'bfloat16' });
const step = () => wrapper.step(() => ({ loss: lossOf(model, x, y), logVars: {} }));
for (let i = 0; i < 3; i++) step();

const engine = tf.engine();
const run = engine.runKernel.bind(engine);
const found = new Map();
let depth = 0;
engine.runKernel = (name, inputs, attrs) => {
  if (depth > 0) return run(name, inputs, attrs);
  depth++;
  const start = performance.now();
  try {
    return run(name, inputs, attrs);
  } finally {
    depth--;
    const entry = found.get(name) ?? { ms: 0, calls: 0 };
    entry.ms += performance.now() - start;
    entry.calls++;
    found.set(name, entry);
  }
};
const start = performance.now();
for (let i = 0; i < steps; i++) step();
const total = (performance.now() - start) / steps;

const rows = [...found].map(([name, { ms, calls }]) => [name, ms / steps, calls / steps]);
rows.sort((a, b) => b[1] - a[1]);
const rest = total - rows.reduce((sum, [, ms]) => sum + ms, 0);
for (const [name, ms, calls] of [...rows, ['outside of kernels', rest, 0], ['step', total, 1]]) {
  console.log(`${ms.toFixed(3).padStart(10)} ms ${calls.toFixed(0).padStart(5)} calls  ${name}`);
}
