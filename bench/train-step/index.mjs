// Milliseconds of a training step, ours against PyTorch from the same weights on the same data, alternating in one run:
// ResNet-18 (CIFAR stem, batch 32, SGD with momentum), an MLP 784-256-10 (batch 64, SGD) and a transformer of two layers
// (width 128, 4 heads, 128 positions, batch 16, AdamW). PyTorch's best counts: either memory layout, and `torch.compile`
// where it has that and it works. The first round of each warms up and is not counted.
// With --dtype bf16 both compute with mixed precision, and ours in float32 runs along for comparison.
//   npm run bench -- train-step [--models resnet18,mlp,transformer] [--rounds 7] [--device torch] [--python python3]
//                               [--dtype float32|bf16]
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MODELS } from './models.mjs';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: Object.keys(MODELS).join(',') },
    rounds: { type: 'string', default: '7' },
    device: { type: 'string', default: 'torch' },
    python: { type: 'string' },
    dtype: { type: 'string', default: 'float32' },
  },
});
const rounds = Number(values.rounds);
const dtype = { float32: 'float32', bf16: 'bfloat16', bfloat16: 'bfloat16' }[values.dtype];
if (dtype === undefined) throw new Error(`--dtype is float32 or bf16, not ${values.dtype}`);
const threads = Number(process.env.ENGINE_TORCH_THREADS ?? availableParallelism());
const OURS = fileURLToPath(new URL('./ours.mjs', import.meta.url));
const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'train-step-'));

/** A Python that has torch: the one asked for, else the first that is found. */
function findPython() {
  const names = values.python ? [values.python] : ['python3', '/usr/bin/python3'];
  return names.find((name) => spawnSync(name, ['-c', 'import torch'], { timeout: 120_000 }).status === 0);
}

/** Whether that Python's torch can compile models; old ones cannot. */
function canCompile(python) {
  const code = 'import sys, torch; sys.exit(0 if hasattr(torch, "compile") else 1)';
  return spawnSync(python, ['-c', code], { timeout: 120_000 }).status === 0;
}

/** A process that answers each line with a line of JSON. */
class Contestant {
  constructor(command, args) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = '';
    this.process.stderr.on('data', (chunk) => (this.errors += chunk));
    this.process.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.times = [];
  }

  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(this.errors.trim().split('\n').at(-1) || 'ended without an answer');
    return JSON.parse(value);
  }

  async round() {
    this.process.stdin.write('round\n');
    const { ms, ...rest } = await this.next();
    this.times.push(ms);
    this.last = rest;
    this.leaked = Math.max(this.leaked ?? 0, rest.leaked ?? 0);
  }

  end() {
    this.process.stdin.end();
  }
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const digits = (value, count = 3) => (value === undefined ? undefined : Number(value.toPrecision(count)));

async function measure(name, python) {
  const { steps, items } = MODELS[name];
  const args = [OURS, name, values.device, folder];
  spawnSync(process.execPath, [...args, 'float32', 'save'], { stdio: 'inherit' });
  const ours = new Contestant(process.execPath, [...args, dtype]);
  const { losses } = await ours.next();
  const float32 = dtype === 'float32' ? undefined : new Contestant(process.execPath, [...args, 'float32']);
  await float32?.next();
  const layouts = [];
  if (python !== undefined) {
    layouts.push('default', ...(name === 'resnet18' ? ['channelsLast'] : []));
    if (canCompile(python)) layouts.push('compiled');
  }
  const peers = {};
  let peerMissing = python === undefined ? 'no Python with torch was found' : undefined;
  let version;
  let difference = 0;
  for (const layout of layouts) {
    const peer = new Contestant(python, [PEER, name, layout, folder, String(threads), String(steps), dtype]);
    try {
      const first = await peer.next();
      version = first.version;
      losses.forEach((loss, i) => (difference = Math.max(difference, Math.abs(loss - first.losses[i]))));
      peers[layout] = peer;
    } catch (error) {
      peerMissing = `PyTorch (${layout}): ${error.message}`;
    }
  }
  const all = [ours, ...(float32 ? [float32] : []), ...Object.values(peers)];
  // What compiles while it runs is warm after a round.
  for (const each of all) await each.round();
  for (const each of all) each.times.length = 0;
  for (let i = 0; i < rounds; i++) for (const each of all) await each.round();
  for (const each of all) each.end();
  const { fallbacks } = await ours.next();
  const best = Object.entries(peers).sort(([, a], [, b]) => median(a.times) - median(b.times))[0];
  const our = median(ours.times);
  const their = best ? median(best[1].times) : null;
  return {
    model: name,
    unit: 'ms/step',
    dtype,
    ours: digits(our),
    ...(float32
      ? { oursFloat32: digits(median(float32.times)), speedup: digits(median(float32.times) / our) }
      : {}),
    peer: their === null ? null : digits(their),
    ...(their === null ? { peerMissing } : {}),
    // Above 1: ours is that many times as fast.
    ratio: their === null ? null : digits(their / our),
    perSecond: {
      ours: digits((1000 / our) * items),
      peer: their === null ? null : digits((1000 / their) * items),
    },
    layout: best?.[0],
    peers: Object.fromEntries(
      Object.entries(peers).map(([layout, { times }]) => [layout, digits(median(times))]),
    ),
    rounds: {
      ours: ours.times.map((t) => digits(t)),
      oursFloat32: float32?.times.map((t) => digits(t)),
      peer: best?.[1].times.map((t) => digits(t)),
    },
    peakMemoryMB: { ours: ours.last.peakMemory, peer: best?.[1].last.peakMemory ?? null },
    peakTensorMB: digits((ours.last.tensorBytes ?? 0) / 2 ** 20),
    leakedTensors: ours.leaked,
    fallbacks,
    lossDifference: digits(difference),
    version,
  };
}

try {
  const python = findPython();
  const results = [];
  for (const name of values.models.split(',')) {
    const result = await measure(name, python);
    results.push(result);
    console.log(JSON.stringify(result));
  }
  const first = results[0];
  const summary = {
    name: 'train-step',
    unit: 'ms/step',
    ours: first.ours,
    peer: first.peer,
    ...(first.peer === null ? { peerMissing: first.peerMissing } : {}),
    ratio: first.ratio,
    ratios: Object.fromEntries(results.map(({ model, ratio }) => [model, ratio])),
    dtype,
    ...(dtype === 'float32'
      ? {}
      : { speedups: Object.fromEntries(results.map(({ model, speedup }) => [model, speedup])) }),
    device: values.device,
    threads,
    torch: first.version,
    cpu: cpus()[0]?.model,
    load: digits(loadavg()[0]),
  };
  console.log(JSON.stringify(summary));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
