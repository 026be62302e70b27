// npm run setup:torch: makes the torch backend run here. On Debian and Ubuntu it installs libtorch and a compiler when
// they are missing (as root or with sudo), then builds the addon. Anywhere else: set LIBTORCH, or install torch for Python.
import { findLibtorch } from '../plugins/backend-torch/scripts/find-libtorch.mjs';
import { ready } from './lib/ready.mjs';
import { fromRoot } from './lib/root.mjs';
import { main, run, ScriptError } from './lib/run.mjs';

const PACKAGES = ['libtorch-dev', 'libopenblas0-pthread', 'g++', 'make', 'python3'];

async function has(program) {
  return (await run(program, ['--version'], { capture: true })).code === 0;
}

async function apt(args) {
  const root = process.getuid?.() === 0;
  if (!root && !(await has('sudo'))) {
    throw new ScriptError(
      `Neither root nor sudo: ask somebody to run  apt-get install ${PACKAGES.join(' ')}`,
    );
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  return run(root ? 'apt-get' : 'sudo', [...(root ? [] : ['apt-get']), ...args], { env });
}

async function installPackages(missing) {
  const { LIBTORCH } = process.env;
  // A folder that was named is never replaced by another, so that nothing installed could help.
  if (LIBTORCH && missing.includes('libtorch')) {
    throw new ScriptError(
      `The folder in LIBTORCH (${LIBTORCH}) holds no libtorch: correct it, or unset it to look elsewhere.`,
    );
  }
  if (!(await has('apt-get'))) {
    throw new ScriptError(
      `Missing: ${missing.join(', ')}; and this is neither Debian nor Ubuntu. Install a C++ compiler and make, and torch\n` +
        'for the Python on the PATH (pip install torch) or unpack a libtorch and set LIBTORCH to its folder. Then run\n' +
        'this again.',
    );
  }
  const { code: updated } = await apt(['update']);
  if (updated !== 0) console.warn('apt-get update failed: installing from the lists that are there.');
  const { code } = await apt(['install', '-y', ...PACKAGES]);
  if (code !== 0) throw new ScriptError('apt-get could not install libtorch: see above.');
}

await main(async () => {
  await ready({ build: false });
  const missing = [
    ...(findLibtorch() ? [] : ['libtorch']),
    ...((await has('g++')) ? [] : ['g++']),
    ...((await has('make')) ? [] : ['make']),
  ];
  if (missing.length > 0) await installPackages(missing);
  const { code } = await run(process.execPath, [
    fromRoot('plugins', 'backend-torch', 'scripts', 'build-addon.mjs'),
  ]);
  if (code !== 0) throw new ScriptError('The addon could not be built: see above.');
  console.log('The torch backend is ready: device=torch, and what device=auto picks.');
});
