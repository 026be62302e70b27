// Milliseconds from the start of a process to a Runner that is ready to train: `@engine/runner` imported, a config
// loaded, and all that it names built, where every package and plugin of the engine is installed, as published, with
// npm. Cold starts (without what discovery and jiti keep between processes) and warm ones alternate.
//   npm run bench -- startup [--rounds 15] [--device wasm] [--keep FOLDER]
// With --keep the installation is made in FOLDER, and used again when it is there.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../scripts/lib/root.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    device: { type: 'string', default: 'wasm' },
    keep: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
/** Importing torch and MMEngine and building its Runner, on two cores: torch 1.13, mmengine 0.10. */
const MMENGINE = 2600;

function succeed(program, args, cwd) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`);
  return stdout.trim().split('\n').at(-1);
}

/** A project with every package of the engine, and the configs that it starts. */
function install(folder) {
  mkdirSync(folder, { recursive: true });
  const tarballs = JSON.parse(
    succeed(process.execPath, [fromRoot('scripts/pack.mjs'), join(folder, 'tarballs')], fromRoot()),
  );
  const { version } = JSON.parse(
    readFileSync(fromRoot('node_modules/@tensorflow/tfjs-core/package.json'), 'utf8'),
  );
  const dependencies = Object.fromEntries(
    // A project that trains has neither suites for tests nor templates.
    Object.entries(tarballs)
      .filter(([name]) => !['@engine/testing', '@engine/create'].includes(name))
      .map(([name, file]) => [name, `file:${file}`]),
  );
  dependencies['@tensorflow/tfjs-core'] = version;
  const manifest = { name: 'startup', private: true, type: 'module', dependencies };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  succeed('npm', ['install', ...flags], folder);
  return Object.keys(tarballs).length - 2;
}

const folder = resolve(values.keep ?? mkdtempSync(join(tmpdir(), 'engine-startup-')));
const installed = existsSync(join(folder, 'node_modules')) ? undefined : install(folder);
for (const file of ['start.mjs', 'config.yaml'])
  copyFileSync(fromRoot('bench/startup', file), join(folder, file));
writeFileSync(
  join(folder, 'config.yaml'),
  readFileSync(join(folder, 'config.yaml'), 'utf8').replace(/^device: .*/m, `device: ${values.device}`),
);
writeFileSync(
  join(folder, 'config.ts'),
  "import { defineConfig } from '@engine/core';\nexport default defineConfig({ _base_: './config.yaml' });\n",
);

/** Runs one start. @returns milliseconds since the process began, by milestone; `process` is all of it, seen from here */
function start(config, cold) {
  if (cold) rmSync(join(folder, 'node_modules/.cache'), { recursive: true, force: true });
  const begin = performance.now();
  const at = JSON.parse(succeed(process.execPath, ['start.mjs', config], folder));
  return { ...at, process: performance.now() - begin };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const medians = (starts) =>
  Object.fromEntries(
    Object.keys(starts[0]).map((key) => [key, Math.round(median(starts.map((one) => one[key])))]),
  );

const found = { yaml: { cold: [], warm: [] }, ts: { cold: [], warm: [] } };
start('config.yaml', true);
for (let round = 0; round < rounds; round++) {
  for (const [form, { cold, warm }] of Object.entries(found)) {
    cold.push(start(`config.${form}`, true));
    warm.push(start(`config.${form}`, false));
  }
}
if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });

const { warm, cold } = found.yaml;
const ours = medians(warm).prepared;
console.log(
  JSON.stringify({
    name: 'startup',
    unit: 'ms',
    ours,
    peer: MMENGINE,
    ratio: Number((ours / MMENGINE).toFixed(3)),
    peerNote: 'recorded, not measured here: importing torch and mmengine and Runner.from_cfg',
    warm: medians(warm),
    cold: medians(cold),
    typescript: { warm: medians(found.ts.warm), cold: medians(found.ts.cold) },
    fastest: Math.round(Math.min(...warm.map(({ prepared }) => prepared))),
    packages: installed,
    rounds,
    device: values.device,
    node: process.version,
  }),
);
