import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromRoot } from './root.mjs';
import { run, ScriptError } from './run.mjs';

/** The version that package.json pins: `pnpm@10.34.8` gives `10.34.8`. */
function pinnedVersion() {
  const { packageManager } = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'));
  const match = /^pnpm@(\d+\.\d+\.\d+)/.exec(packageManager ?? '');
  if (!match)
    throw new ScriptError(`package.json must pin pnpm in packageManager, it says ${packageManager}.`);
  return match[1];
}

/** Fetches the pinned pnpm with npm into .tools/pnpm, unless it is there. @returns the path of its program */
export async function ensurePnpm() {
  const version = pinnedVersion();
  const home = fromRoot('.tools', 'pnpm');
  const manifest = join(home, 'node_modules', 'pnpm', 'package.json');
  const program = join(home, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version) return program;
  console.log(`Fetching pnpm ${version} …`);
  mkdirSync(home, { recursive: true });
  // A package.json of its own keeps npm from taking the repository for the project.
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  const flags = ['--prefix', home, '--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
  const { code, output } = await run('npm', ['install', ...flags, `pnpm@${version}`], {
    cwd: home,
    capture: true,
  });
  if (code !== 0 || !existsSync(program)) {
    throw new ScriptError(`${output}\nnpm could not fetch pnpm ${version}: is the npm registry reachable?`);
  }
  return program;
}

/** The folder to put on PATH for tools that look for a `pnpm` there. */
export async function pnpmFolder() {
  await ensurePnpm();
  return fromRoot('.tools', 'pnpm', 'node_modules', '.bin');
}

/** Runs the pinned pnpm. */
export async function pnpm(args, options) {
  // Without a terminal pnpm would refuse to replace a node_modules that another version made.
  const env = { CI: 'true', ...options?.env };
  return run(process.execPath, [await ensurePnpm(), ...args], { ...options, env });
}
