import { ensureBuild } from './build.mjs';
import { ensureInstall } from './install.mjs';
import { ScriptError } from './run.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);

/** Makes a fresh clone ready to run: Node is new enough, packages are installed and built. Skips what is done. */
export async function ready({ build = true } = {}) {
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new ScriptError(`Node 20.19 or newer is needed, this is ${process.versions.node}.`);
  }
  await ensureInstall();
  if (build) await ensureBuild();
}
