// Milliseconds of an optimizer's update of ResNet-50's parameters (161 tensors, 25.6 million elements), ours against the
// fastest of PyTorch's ways to do it (fused where it exists, foreach, one parameter after the other), alternating.
//   npm run bench -- optim-step [--optimizers AdamW,Adamax] [--rounds 9] [--steps 10] [--device torch] [--python python3]
import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    optimizers: { type: 'string', default: 'AdamW' },
    rounds: { type: 'string', default: '9' },
    steps: { type: 'string', default: '10' },
    device: { type: 'string', default: 'torch' },
    python: { type: 'string' },
  },
});
const threads = String(process.env.ENGINE_TORCH_THREADS ?? availableParallelism());
const OURS = fileURLToPath(new URL('./ours.mjs', import.meta.url));
const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));

/** A Python that has torch: the one asked for, else the first that is found. */
function findPython() {
  const names = values.python ? [values.python] : ['python3', '/usr/bin/python3'];
  return names.find((name) => spawnSync(name, ['-c', 'import torch'], { timeout: 120_000 }).status === 0);
}

/** A process that answers the name of one of its variants with the time of a round, in lines of JSON. */
class Contestant {
  constructor(command, args) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = '';
    this.process.stderr.on('data', (chunk) => (this.errors += chunk));
    this.process.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.times = {};
  }

  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(this.errors.trim().split('\n').at(-1) || 'ended without an answer');
    return JSON.parse(value);
  }

  async round(variant) {
    this.process.stdin.write(`${variant}\n`);
    (this.times[variant] ??= []).push((await this.next()).ms);
  }

  end() {
    this.process.stdin.end();
  }
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const digits = (value) => Number(value.toPrecision(3));

async function measure(name, python) {
  const ours = new Contestant(process.execPath, [OURS, name, values.device, values.steps]);
  const { tensors, elements } = await ours.next();
  let peer;
  let about = { variants: [] };
  let peerMissing = python === undefined ? 'no Python with torch was found' : undefined;
  if (python !== undefined) {
    peer = new Contestant(python, [PEER, name, threads, values.steps, JSON.stringify(tensors)]);
    try {
      about = await peer.next();
    } catch (error) {
      peerMissing = `PyTorch: ${error.message}`;
    }
  }
  for (let i = 0; i < Number(values.rounds); i++) {
    await ours.round('ours');
    for (const variant of about.variants) await peer.round(variant);
  }
  ours.end();
  peer?.end();
  const medians = Object.entries(peer?.times ?? {}).map(([variant, times]) => [variant, median(times)]);
  const best = medians.sort(([, a], [, b]) => a - b)[0];
  const our = median(ours.times.ours);
  return {
    optimizer: name,
    unit: 'ms/update',
    ours: digits(our),
    peer: best ? digits(best[1]) : null,
    ...(best ? {} : { peerMissing }),
    // Above 1: ours is that many times as fast.
    ratio: best ? digits(best[1] / our) : null,
    variant: best?.[0],
    peers: Object.fromEntries(medians.map(([variant, time]) => [variant, digits(time)])),
    rounds: { ours: ours.times.ours.map(digits), peer: best && peer.times[best[0]].map(digits) },
    tensors: tensors.length,
    elements,
    version: about.version,
  };
}

const python = findPython();
const results = [];
for (const name of values.optimizers.split(',')) {
  const result = await measure(name, python);
  results.push(result);
  console.log(JSON.stringify(result));
}
const [first] = results;
console.log(
  JSON.stringify({
    name: 'optim-step',
    unit: first.unit,
    ours: first.ours,
    peer: first.peer,
    ...(first.peer === null ? { peerMissing: first.peerMissing } : {}),
    ratio: first.ratio,
    ratios: Object.fromEntries(results.map(({ optimizer, ratio }) => [optimizer, ratio])),
    device: values.device,
    threads: Number(threads),
    torch: first.version,
    cpu: cpus()[0]?.model,
    load: digits(loadavg()[0]),
  }),
);
