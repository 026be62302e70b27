import { existsSync } from 'node:fs';
import { dirname, extname, join, sep } from 'node:path';
import { EngineError } from '../errors.js';
import { readManifest } from '../modules/manifest.js';
import { isPlainObject } from './values.js';

/** A config file of an installed package. */
export interface PackageConfig {
  /** Absolute path. */
  file: string;
  /** The scope that the package's parts are registered in; undefined when it has none of its own, or several. */
  scope: string | undefined;
}

/** Tried when a path inside a package has no extension. */
const EXTENSIONS = ['', '.yaml', '.yml', '.json', '.json5', '.js', '.mjs', '.ts', '.mts', '.py'];

/** True for `some-package::resnet/r18.yaml`. */
export function isPackagePath(name: string): boolean {
  return name.includes('::');
}

/**
 * The config file that `package::path` names: below the package's folder, or its `configs`. The package is looked for in
 * every `node_modules` from a folder upwards. The extension may be left out.
 *
 * @param folder folder of the file that asks
 * @throws E_CONFIG_BASE for a name of another form, or a path that leads out of the package; E_MODULE_NOT_FOUND for a
 *   package that is not installed; E_CONFIG_NOT_FOUND for a file that it does not have
 */
export function packageConfig(name: string, folder: string): PackageConfig {
  const [owner = '', path = '', ...more] = name.split('::');
  if (owner === '' || path === '' || more.length > 0) {
    throw new EngineError({
      code: 'E_CONFIG_BASE',
      what: 'A config of another package must be named as package::path.',
      received: `'${name}'`,
      expected: 'such as some-package::resnet/r18.yaml',
      exitCode: 2,
    });
  }
  const root = packageFolder(owner, folder);
  const tried = ['', 'configs'].flatMap((inner) => EXTENSIONS.map((end) => join(root, inner, path + end)));
  if (tried.some((file) => !file.startsWith(root + sep))) {
    throw new EngineError({
      code: 'E_CONFIG_BASE',
      what: `A path leads out of the package '${owner}'.`,
      received: `'${name}'`,
      expected: "a path below the package's folder",
      exitCode: 2,
    });
  }
  const file = tried.find((one) => extname(one) !== '' && existsSync(one));
  if (file !== undefined) return { file, scope: scopeOf(root) };
  throw new EngineError({
    code: 'E_CONFIG_NOT_FOUND',
    what: `The package '${owner}' has no config '${path}'.`,
    received: `'${name}'`,
    expected: `a file in ${join(root, 'configs')} or ${root}`,
    fix: 'correct the path',
    exitCode: 2,
  });
}

function packageFolder(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (dirname(folder) === folder) break;
  }
  throw new EngineError({
    code: 'E_MODULE_NOT_FOUND',
    what: `The package '${name}', whose config is asked for, is not installed.`,
    received: `'${name}', looked for from ${from}`,
    fix: `pnpm add ${name}`,
    exitCode: 2,
  });
}

/** The one scope of what a package registers, by its manifest. */
function scopeOf(root: string): string | undefined {
  const names = Object.values(readManifest(root)?.registers ?? {}).flat();
  const scopes = new Set(names.map((name) => (name.includes('.') ? name.slice(0, name.indexOf('.')) : '')));
  const [scope] = scopes;
  return scopes.size === 1 && scope !== '' ? scope : undefined;
}

/**
 * Config values with `_scope_` in the outermost mappings that have a `type`, so that plain names of the package they come
 * from are looked up in its scope. One that says its scope keeps it.
 */
export function withScopeMarks<T>(value: T, scope: string): T {
  if (Array.isArray(value)) return value.map((item: unknown) => withScopeMarks(item, scope)) as T;
  if (!isPlainObject(value)) return value;
  if (Object.hasOwn(value, 'type')) return { ...value, _scope_: value._scope_ ?? scope };
  const members = Object.entries(value).map(([key, member]) => [key, withScopeMarks(member, scope)] as const);
  return Object.fromEntries(members) as T;
}
