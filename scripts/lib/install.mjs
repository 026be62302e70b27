import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fromRoot } from './root.mjs';
import { pnpm } from './pnpm.mjs';
import { run, ScriptError, seconds } from './run.mjs';

const stamp = fromRoot('node_modules', '.engine-install');

/** Everything that decides what an install makes: lockfile, every package.json, Node's major version and the platform. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.versions.modules} ${process.platform} ${process.arch}`);
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', 'package.json'];
  for (const folder of ['packages', 'plugins', 'apps']) {
    if (!existsSync(fromRoot(folder))) continue;
    for (const name of readdirSync(fromRoot(folder)).sort()) files.push(`${folder}/${name}/package.json`);
  }
  for (const file of files) {
    if (existsSync(fromRoot(file))) hash.update(file).update(readFileSync(fromRoot(file)));
  }
  return hash.digest('hex');
}

/** Installs from the lockfile, unless node_modules was made from the same one. */
export async function ensureInstall() {
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const start = performance.now();
  console.log('Installing packages …');
  const { code, output } = await pnpm(['install', '--frozen-lockfile', '--prefer-offline'], {
    capture: true,
  });
  if (code !== 0) {
    throw new ScriptError(
      `${output}\nThe packages could not be installed. If a package.json was changed, run \`npm run setup\` once, which also\nupdates pnpm-lock.yaml; otherwise see whether the npm registry is reachable.`,
    );
  }
  writeFileSync(stamp, wanted);
  console.log(`Installed in ${seconds(start)}.`);
}

/** Installs and brings the lockfile up to date with the package.json files. */
export async function updateInstall() {
  const { code } = await pnpm(['install', '--no-frozen-lockfile']);
  if (code !== 0) throw new ScriptError('The packages could not be installed.');
  writeFileSync(stamp, fingerprint());
}

/** Runs a tool of the repository: `tool('prettier', ['--check', '.'])`. */
export function tool(name, args, options) {
  const extension = process.platform === 'win32' ? '.CMD' : '';
  return run(fromRoot('node_modules', '.bin', `${name}${extension}`), args, options);
}
