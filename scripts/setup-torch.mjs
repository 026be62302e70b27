// npm run setup:torch: makes the torch backend run here. On Debian and Ubuntu it installs libtorch and a compiler when
// they are missing (as root or with sudo), then builds the addon. Anywhere else: set LIBTORCH, or install torch for Python.
import { existsSync } from 'node:fs';
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

async function installPackages() {
  if (!existsSync('/usr/bin/apt-get')) {
    throw new ScriptError(
      'No libtorch was found, and this is neither Debian nor Ubuntu. Install torch for the Python on the PATH\n' +
        '(pip install torch) or unpack a libtorch and set LIBTORCH to its folder, then run this again.',
    );
  }
  await apt(['update']);
  const { code } = await apt(['install', '-y', ...PACKAGES]);
  if (code !== 0) throw new ScriptError('apt-get could not install libtorch: see above.');
}

await main(async () => {
  await ready({ build: false });
  if (!findLibtorch() || !(await has('g++')) || !(await has('make'))) await installPackages();
  const { code } = await run(process.execPath, [
    fromRoot('plugins', 'backend-torch', 'scripts', 'build-addon.mjs'),
  ]);
  if (code !== 0) throw new ScriptError('The addon could not be built: see above.');
  console.log('The torch backend is ready: device=torch, and what device=auto picks.');
});
