import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Jiti } from 'jiti';
import { parentUrl, TYPESCRIPT } from './resolve-module.js';

export type ModuleNamespace = Record<string, unknown>;

/** This package runs from its sources (tests, tsx): a bare import by jiti would find the compiled copy beside it. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');

const IMPORTS = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g;

/** Packages that a script and the local TypeScript files behind it import. */
function importedPackages(text: string, file: string, seen = new Set<string>([file])): Set<string> {
  const names = new Set<string>();
  for (const [, name] of text.matchAll(IMPORTS)) {
    if (!name!.startsWith('.')) {
      names.add(name!);
      continue;
    }
    const path = resolve(dirname(file), name!);
    for (const candidate of [path, path.replace(/\.(m?)js$/, '.$1ts'), `${path}.ts`]) {
      if (!TYPESCRIPT.test(candidate) || seen.has(candidate)) continue;
      seen.add(candidate);
      try {
        for (const inner of importedPackages(readFileSync(candidate, 'utf8'), candidate, seen))
          names.add(inner);
      } catch {
        // Not this candidate; jiti reports a file that is really missing.
      }
    }
  }
  return names;
}

/** The engine's packages and tfjs as this process has loaded them, for those that a script imports. */
async function sharedModules(text: string, file: string): Promise<Record<string, ModuleNamespace>> {
  const shared: Record<string, ModuleNamespace> = {};
  if (!FROM_SOURCE) return shared;
  for (const name of importedPackages(text, file)) {
    if (!/^@(?:engine|tensorflow)\//.test(name)) continue;
    try {
      shared[name] = (await import(/* @vite-ignore */ name)) as ModuleNamespace;
    } catch {
      // Unknown here: jiti looks for it from the script, and reports it when it is missing there too.
    }
  }
  return shared;
}

async function createLoader(text: string, file: string): Promise<Jiti> {
  const { createJiti } = await import('jiti');
  return createJiti(pathToFileURL(file).href, {
    // The namespace as it is: a script without a default export must be seen to have none.
    interopDefault: false,
    virtualModules: await sharedModules(text, file),
  });
}

const scripts = new Map<string, Promise<ModuleNamespace>>();

/**
 * Imports a TypeScript file, with enums, parameter properties and legacy decorators, sharing the packages of this
 * process. Like any module it is evaluated once per process.
 */
export async function importTypeScript(file: string): Promise<ModuleNamespace> {
  let script = scripts.get(file);
  if (!script) {
    script = createLoader(readFileSync(file, 'utf8'), file).then((jiti) =>
      jiti.import<ModuleNamespace>(file),
    );
    scripts.set(file, script);
    // A script that failed may be corrected and tried again.
    script.catch(() => scripts.delete(file));
  }
  return script;
}

/** Evaluates TypeScript source as if it stood in `file`, which need not exist. */
export async function evaluateTypeScript(text: string, file: string): Promise<ModuleNamespace> {
  const jiti = await createLoader(text, file);
  return (await jiti.evalModule(text, {
    filename: file,
    id: file,
    ext: '.ts',
    async: true,
    forceTranspile: true,
  })) as ModuleNamespace;
}

/** The 1-based line at which a script stops making sense; undefined when it can be parsed. Node itself does not say. */
export async function syntaxErrorLine(text: string, file: string): Promise<number | undefined> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(pathToFileURL(file).href, { fsCache: false });
  // jiti's transform does not throw: it gives code that will, with the place in it.
  const code = jiti.transform({ source: text, filename: file, ts: TYPESCRIPT.test(file), async: true });
  const at = /__JITI_ERROR__ = (\{.*\})/.exec(code);
  return at ? (JSON.parse(at[1]!) as { line?: number }).line : undefined;
}

/** The URL that a package specifier means inside a folder; undefined when it is not installed there. */
export async function resolvePackage(specifier: string, baseDir: string): Promise<string | undefined> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(parentUrl(baseDir));
  const found = jiti.esmResolve(specifier, { parentURL: parentUrl(baseDir), try: true });
  return found === undefined ? undefined : found.startsWith('file:') ? found : pathToFileURL(found).href;
}

/** Imports a module by URL or package name as the process itself would; prefers sources to a compiled copy. */
export async function importNative(specifier: string): Promise<ModuleNamespace> {
  return (await import(/* @vite-ignore */ specifier)) as ModuleNamespace;
}

export { FROM_SOURCE };
