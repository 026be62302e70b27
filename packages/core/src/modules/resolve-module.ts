import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { EngineError } from '../errors.js';
import { nearest } from '../suggest.js';

/** Files that Node cannot import itself. */
export const TYPESCRIPT = /\.m?ts$/;

/** True for what names a file rather than a package. */
export function isFileSpecifier(specifier: string): boolean {
  return (
    /^\.{0,2}[\\/]/.test(specifier) ||
    specifier.startsWith('file:') ||
    isAbsolute(specifier) ||
    (/\.m?[jt]s$/.test(specifier) && !specifier.startsWith('@'))
  );
}

/**
 * The absolute path of a file specifier.
 * @throws E_MODULE_NOT_FOUND with the nearest name in the same folder
 */
export function resolveFile(specifier: string, baseDir: string): string {
  const file = specifier.startsWith('file:') ? fileURLToPath(specifier) : resolve(baseDir, specifier);
  if (existsSync(file)) return file;
  throw new EngineError({
    code: 'E_MODULE_NOT_FOUND',
    what: `There is no file ${file}.`,
    received: `'${specifier}', looked for in ${baseDir}`,
    didYouMean: nearestFile(file),
    fix: 'correct the path; it is relative to the file that names it',
    exitCode: 2,
  });
}

/** The file of the same folder whose name is nearest to a missing one's. */
function nearestFile(file: string): string | undefined {
  try {
    const near = nearest(basename(file), readdirSync(dirname(file)));
    return near && join(dirname(file), near);
  } catch {
    return undefined;
  }
}

/** The name to install for a specifier: `@scope/name/deep` → `@scope/name`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** URL of a module inside a folder, which resolution starts from. */
export function parentUrl(baseDir: string): string {
  return pathToFileURL(join(baseDir, '_')).href;
}
