// Seconds to save and to load ResNet-50 with the momentum of SGD (205 MB), beside what the same disk does with as many
// bytes and beside torch.save and torch.load, all in turns; and how long training stands still for a save in the
// background.
//   npm run bench -- checkpoint [--devices torch,wasm] [--rounds 7] [--folder DIR] [--python python3] [--iterations 60]
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { forget, readFile, writeFile } from './disk.mjs';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: 'torch,wasm' },
    rounds: { type: 'string', default: '7' },
    folder: { type: 'string', default: tmpdir() },
    python: { type: 'string' },
    iterations: { type: 'string', default: '60' },
  },
});
const OURS = fileURLToPath(new URL('./ours.mjs', import.meta.url));
const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));
const STALL = fileURLToPath(new URL('./stall.mjs', import.meta.url));
const home = mkdtempSync(join(values.folder, 'engine-bench-checkpoint-'));

/** A process that answers the name of an action with the time that it took, in lines of JSON. */
class Contestant {
  constructor(command, args) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.errors = '';
    this.process.stderr.on('data', (chunk) => (this.errors += chunk));
    this.process.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(this.errors.trim().split('\n').at(-1) || 'ended without an answer');
    return JSON.parse(value);
  }

  async ms(action) {
    this.process.stdin.write(`${action}\n`);
    return (await this.next()).ms;
  }

  end() {
    this.process.stdin.end();
  }
}

/** A Python that has torch: the one asked for, else the first that is found. */
function findPython() {
  const names = values.python ? [values.python] : ['python3', '/usr/bin/python3'];
  return names.find((name) => spawnSync(name, ['-c', 'import torch'], { timeout: 120_000 }).status === 0);
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const digits = (value) => Number(value.toPrecision(3));
const filesOf = (folder) => readdirSync(folder).map((name) => join(folder, name));
const sync = () => spawnSync('sync');

async function saveAndLoad(device, python) {
  const workDir = join(home, device);
  const ours = new Contestant(process.execPath, [OURS, device, workDir]);
  const { tensors, folder } = await ours.next();
  const pth = join(home, 'peer.pth');
  const raw = join(home, 'raw');
  const peer = python && new Contestant(python, [PEER, pth, JSON.stringify(tensors)]);
  const version = peer && (await peer.next()).version;
  const times = {};
  const note = (name, ms) => (times[name] ??= []).push(ms);
  await ours.ms('save');
  const bytes = filesOf(folder).reduce((sum, path) => sum + statSync(path).size, 0);
  let cold = true;
  const forgetAll = (paths) => {
    for (const path of paths) cold = forget(path) && cold;
  };
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const path of [folder, raw, pth]) rmSync(path, { recursive: true, force: true });
    sync();
    note('diskWrite', writeFile(raw, bytes));
    sync();
    note('save', await ours.ms('save'));
    sync();
    if (peer) {
      note('peerSave', await peer.ms('save'));
      sync();
      rmSync(pth);
      sync();
      note('peerSaveSynced', await peer.ms('saveSynced'));
    }
    forgetAll([raw]);
    note('diskReadCold', readFile(raw));
    forgetAll(filesOf(folder));
    note('loadCold', await ours.ms('load'));
    if (peer) {
      forgetAll([pth]);
      note('peerLoadCold', await peer.ms('load'));
    }
    note('diskRead', readFile(raw));
    note('load', await ours.ms('load'));
    if (peer) note('peerLoad', await peer.ms('load'));
  }
  ours.end();
  peer?.end();
  const medians = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
  const speed = (ms) => digits(bytes / 1e3 / ms);
  return {
    device,
    megabytes: digits(bytes / 1e6),
    ms: Object.fromEntries(Object.entries(medians).map(([name, ms]) => [name, digits(ms)])),
    megabytesPerSecond: Object.fromEntries(Object.entries(medians).map(([name, ms]) => [name, speed(ms)])),
    // Shares of the disk's own speed: 0.5 is wanted.
    saveShare: digits(medians.diskWrite / medians.save),
    loadColdShare: digits(medians.diskReadCold / medians.loadCold),
    coldReads: cold,
    rounds: Object.fromEntries(Object.entries(times).map(([name, list]) => [name, list.map(digits)])),
    version,
  };
}

async function stall(device) {
  const args = [STALL, device, join(home, `${device}-stall`), values.iterations];
  const contestant = new Contestant(process.execPath, args);
  const found = await contestant.next();
  contestant.end();
  return found;
}

const python = findPython();
const results = [];
try {
  for (const device of values.devices.split(',')) {
    const result = { ...(await saveAndLoad(device, python)), background: await stall(device) };
    results.push(result);
    console.log(JSON.stringify(result));
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
const [first] = results;
console.log(
  JSON.stringify({
    name: 'checkpoint',
    unit: 'ms/save',
    ours: first.ms.save,
    peer: first.ms.peerSave ?? null,
    ...(python === undefined ? { peerMissing: 'no Python with torch was found' } : {}),
    ratio: first.ms.peerSave ? digits(first.ms.save / first.ms.peerSave) : null,
    shares: results.map(({ device, saveShare, loadColdShare }) => ({ device, saveShare, loadColdShare })),
    stalls: results.map(({ device, background }) => ({ device, ...background })),
    torch: first.version,
    cpu: cpus()[0]?.model,
    load: digits(loadavg()[0]),
  }),
);
