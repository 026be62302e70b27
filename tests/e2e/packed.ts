import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finished } from './harness.js';
import { ROOT } from './harness.js';

/** Runs a program, without what this repository's environment would tell it. */
export function command(program: string, args: readonly string[], cwd: string): Promise<Finished> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', VITEST: '', NO_COLOR: '1', ENGINE_DATA_ROOT: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Like {@link command}, for what must succeed. @returns what it printed */
export async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await command(program, args, cwd);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout + stderr;
}

interface PackageManifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** A folder outside the repository, and all packages of the repository packed into it. */
export class PackedPackages {
  readonly folder = mkdtempSync(join(tmpdir(), 'engine-packed-'));
  private files: Record<string, string> = {};

  async pack(): Promise<void> {
    const output = await succeed(
      process.execPath,
      [join(ROOT, 'scripts/pack.mjs'), join(this.folder, 'tarballs')],
      ROOT,
    );
    this.files = JSON.parse(output.trim().split('\n').at(-1)!) as Record<string, string>;
  }

  /** Path of a new or existing project in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Copies a project of this repository there, without what an editor may have left in it. */
  copy(source: string, name: string): string {
    const target = this.path(name);
    mkdirSync(target, { recursive: true });
    cpSync(source, target, {
      recursive: true,
      filter: (path) => !/[\\/](node_modules|dist|work_dirs|package-lock\.json)$/.test(path),
    });
    return target;
  }

  /**
   * Installs a project's dependencies with npm. The engine's packages, also those that others of them need, come from
   * the tarballs; everything else from npm's cache or the registry.
   */
  async install(project: string): Promise<void> {
    const file = join(project, 'package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as PackageManifest;
    const own: Record<string, string> = {};
    for (const group of ['dependencies', 'devDependencies', 'peerDependencies'] as const) {
      for (const name of Object.keys(manifest[group] ?? {}))
        if (this.files[name]) own[name] = this.files[name];
    }
    const wanted = this.withDependencies(Object.keys(own));
    manifest.devDependencies = { ...manifest.devDependencies };
    for (const name of wanted) {
      if (manifest.dependencies?.[name]) manifest.dependencies[name] = `file:${this.files[name]!}`;
      else manifest.devDependencies[name] = `file:${this.files[name]!}`;
    }
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    await succeed(
      'npm',
      ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
      project,
    );
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Packages of this repository and those of it that they depend on. */
  private withDependencies(names: readonly string[]): Set<string> {
    const found = new Set<string>();
    const visit = (name: string): void => {
      if (found.has(name)) return;
      found.add(name);
      const { dependencies = {}, peerDependencies = {} } = this.manifestOf(name);
      for (const next of Object.keys({ ...dependencies, ...peerDependencies })) {
        if (this.files[next]) visit(next);
      }
    };
    names.forEach(visit);
    return found;
  }

  private manifestOf(name: string): PackageManifest {
    const short = name.replace('@engine/', '');
    for (const folder of [`packages/${short}`, `plugins/${short}`]) {
      try {
        return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as PackageManifest;
      } catch {
        // It is in the other folder.
      }
    }
    throw new Error(`no package.json of ${name}`);
  }
}
