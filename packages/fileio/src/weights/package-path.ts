import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';
import { EngineError } from '@engine/core';

/** Folder of an installed package, found as Node finds it from `from`; undefined when it is not installed. */
export function packageRoot(name: string, from: string = process.cwd()): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (dirname(folder) === folder) break;
  }
  try {
    // A package may import itself by name, and loaders may know places of their own.
    return dirname(createRequire(join(resolve(from), 'x.js')).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/**
 * Folder of an installed package.
 * @param received what the user wrote, for the message
 * @throws E_PACKAGE_MISSING
 */
export function requirePackage(name: string, received: string, from?: string): string {
  const root = packageRoot(name, from);
  if (root !== undefined) return root;
  throw new EngineError({
    code: 'E_PACKAGE_MISSING',
    what: `The package '${name}' is not installed.`,
    received: `'${received}'`,
    fix: `npm install ${name}`,
    exitCode: 2,
  });
}

/**
 * The file that `package::path` means: a path inside an installed package.
 * @param from folder to look for packages from. Default the working directory.
 * @throws E_PACKAGE_MISSING when it is not installed, E_PACKAGE_PATH when the path leads out of it
 */
export function packagePath(address: string, from?: string): string {
  const [, name, inside] = /^([^:]+)::(.*)$/.exec(address) ?? [];
  if (name === undefined || inside === undefined) {
    throw new EngineError({
      code: 'E_PACKAGE_PATH',
      what: 'This is no path inside a package.',
      received: `'${address}'`,
      expected: "'package::path/in/it'",
    });
  }
  const root = requirePackage(name, address, from);
  const file = resolve(root, inside);
  if (file !== root && !file.startsWith(root + sep)) {
    throw new EngineError({
      code: 'E_PACKAGE_PATH',
      what: `A path leads out of the package '${name}'.`,
      received: `'${address}'`,
      expected: 'a path below the package folder',
    });
  }
  return file;
}
