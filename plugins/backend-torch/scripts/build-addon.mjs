// Builds the addon into build/Release/engine_torch.node, unless it is up to date. With --optional a machine without
// libtorch or a compiler is no failure: the reason is left in build/unavailable.txt, where the backend reads it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findLibtorch } from './find-libtorch.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const optional = process.argv.includes('--optional');
const binary = join(root, 'build', 'Release', 'engine_torch.node');
const stamp = join(root, 'build', 'stamp.txt');
const unavailable = join(root, 'build', 'unavailable.txt');

function fingerprint(found) {
  const hash = createHash('sha256').update(JSON.stringify(found)).update(process.versions.modules);
  const native = join(root, 'src', 'native');
  const files = readdirSync(native)
    .sort()
    .map((name) => join(native, name));
  for (const file of [join(root, 'binding.gyp'), ...files]) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/** Leaves the reason where the backend finds it. */
function giveUp(reason, output = '') {
  mkdirSync(dirname(unavailable), { recursive: true });
  rmSync(binary, { force: true });
  rmSync(stamp, { force: true });
  writeFileSync(unavailable, `${reason}\n`);
  if (output && !optional) console.error(output);
  (optional ? console.log : console.error)(`backend-torch is not built: ${reason}.`);
  process.exitCode = optional ? 0 : 1;
}

function compile(found) {
  const nodeGyp = fileURLToPath(import.meta.resolve('node-gyp/bin/node-gyp.js'));
  // Headers that came with this Node spare a download.
  const prefix = join(dirname(process.execPath), '..');
  const local = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
  return spawnSync(
    process.execPath,
    [nodeGyp, 'configure', 'build', ...local, `--jobs=${availableParallelism()}`, '--loglevel=warn'],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, ENGINE_LIBTORCH_FOUND: JSON.stringify(found) },
    },
  );
}

/** True while the process that wrote its number into the lock lives. */
function isHeld(lock) {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

/** Two builds in one folder would trip over each other: the second waits, and finds everything done. */
async function locked(body) {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const lock = join(tmpdir(), `engine-torch-build-${name}.lock`);
  for (;;) {
    try {
      const file = openSync(lock, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isHeld(lock)) rmSync(lock, { force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    body();
  } finally {
    rmSync(lock, { force: true });
  }
}

function build(found) {
  const wanted = fingerprint(found);
  const upToDate = existsSync(binary) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (upToDate) return;
  const start = performance.now();
  const { status, stdout, stderr, error } = compile(found);
  if (status === 0 && existsSync(binary)) {
    writeFileSync(stamp, wanted);
    rmSync(unavailable, { force: true });
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`backend-torch built against libtorch ${found.version} (${found.origin}) in ${seconds}s.`);
  } else {
    const output = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`;
    const reason = /error: .*/.exec(output)?.[0] ?? /not found: make|g\+\+: not found/.exec(output)?.[0];
    giveUp(
      `compiling against libtorch ${found.version} failed${reason ? ` (${reason.trim()})` : ''}`,
      output,
    );
  }
}

const found = findLibtorch();
if (!found) {
  giveUp(
    process.env.LIBTORCH
      ? `the folder in LIBTORCH (${process.env.LIBTORCH}) holds no libtorch`
      : 'no libtorch was found (LIBTORCH, the torch of a Python on the PATH, or Debian’s libtorch-dev)',
  );
} else {
  await locked(() => build(found));
}
