import { pathToFileURL } from 'node:url';
import { EngineError, isEngineError } from '../errors.js';
import { discoverPlugins } from './discover.js';
import { checkVersion } from './manifest.js';
import { isFileSpecifier, packageName, resolveFile, TYPESCRIPT } from './resolve-module.js';
import { shared } from '../shared.js';
import {
  FROM_SOURCE,
  importNative,
  importTypeScript,
  resolvePackage,
  type ModuleNamespace,
} from './script-loader.js';

/** What was imported by name at run time, in order, for worker threads to import too. */
const loaded = shared('plugins', () => new Set<string>());

/** File URLs (package names where there is no file) of the modules that plugins and config files brought in. */
export function loadedPlugins(): string[] {
  return [...loaded];
}

/**
 * Imports a package or a file. TypeScript files are compiled on the fly and share this process's packages. What was
 * imported is remembered for {@link loadedPlugins}.
 *
 * @param specifier package name, `./file.ts` relative to `baseDir`, absolute path or file URL
 * @throws E_MODULE_NOT_FOUND for a missing file or package; whatever the module throws is passed on
 */
export async function importModule(specifier: string, baseDir: string): Promise<ModuleNamespace> {
  if (isFileSpecifier(specifier)) {
    const file = resolveFile(specifier, baseDir);
    const url = pathToFileURL(file).href;
    const namespace = TYPESCRIPT.test(file) ? await importTypeScript(file) : await importNative(url);
    loaded.add(url);
    return namespace;
  }
  const url = await resolvePackage(specifier, baseDir);
  const target = url === undefined || (FROM_SOURCE && specifier.startsWith('@engine/')) ? specifier : url;
  const namespace = await importNative(target).catch((error: unknown) => {
    if (url === undefined && isMissing(error, specifier)) throw missing(specifier, baseDir, error);
    throw error;
  });
  loaded.add(url ?? specifier);
  return namespace;
}

/**
 * Imports plugins one after the other, so that what they register comes in the order of the list. All of them are
 * tried before the first failure is thrown.
 * @param baseDir folder that relative paths start from and packages are looked up from; the config's folder
 * @throws E_PLUGIN_LOAD for one that is missing or throws, with the reason as its cause
 * @throws E_PLUGIN_VERSION for one that was made for another engine
 */
export async function loadPlugins(
  specifiers: readonly string[],
  baseDir: string,
): Promise<ModuleNamespace[]> {
  const namespaces: ModuleNamespace[] = [];
  const failures: EngineError[] = [];
  for (const specifier of specifiers) {
    try {
      const plugin = isFileSpecifier(specifier)
        ? undefined
        : discoverPlugins(baseDir).find(({ name }) => name === packageName(specifier));
      if (plugin) checkVersion(plugin);
      namespaces.push(await importModule(specifier, baseDir));
    } catch (cause) {
      if (isEngineError(cause) && cause.code === 'E_PLUGIN_VERSION') {
        failures.push(cause);
        continue;
      }
      const notFound = isEngineError(cause) && cause.code === 'E_MODULE_NOT_FOUND';
      failures.push(
        new EngineError({
          code: 'E_PLUGIN_LOAD',
          what: notFound
            ? `The plugin '${specifier}' cannot be found.`
            : `The plugin '${specifier}' cannot be loaded.`,
          received: cause instanceof Error ? cause.message.split('\n')[0] : String(cause),
          didYouMean: notFound ? cause.parts.didYouMean : undefined,
          fix: notFound ? cause.parts.fix : undefined,
          cause,
          exitCode: 2,
        }),
      );
    }
  }
  if (failures.length > 0) throw failures[0]!;
  return namespaces;
}

function isMissing(error: unknown, specifier: string): boolean {
  const { code, message } = error as { code?: string; message?: string };
  const named = message?.includes(specifier) === true;
  return (
    named &&
    (code === 'ERR_MODULE_NOT_FOUND' ||
      code === 'MODULE_NOT_FOUND' ||
      /cannot find|failed to (?:load|resolve)/i.test(message))
  );
}

function missing(specifier: string, baseDir: string, cause: unknown): EngineError {
  const name = packageName(specifier);
  return new EngineError({
    code: 'E_MODULE_NOT_FOUND',
    what: `The package '${name}' is not installed.`,
    received: `'${specifier}', looked for from ${baseDir}`,
    fix: `pnpm add ${name}`,
    cause,
    exitCode: 2,
  });
}
