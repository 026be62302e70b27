import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { EngineError } from '@engine/core';

/** Environment variable that names the folder in which data are looked for. */
export const DATA_ROOT_VARIABLE = 'ENGINE_DATA_ROOT';

/** True for paths that are not joined to a data root: absolute ones and URLs. */
export function isRooted(path: string): boolean {
  return isAbsolute(path) || /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
}

/** Joins a path to a root unless it is rooted itself; an empty path stays empty. */
export function joinData(root: string, path: string): string {
  if (root === '' || path === '' || isRooted(path)) return path;
  return isRooted(root) && !isAbsolute(root) ? `${root.replace(/\/+$/, '')}/${path}` : join(root, path);
}

/**
 * Folders in which data may lie, in order: `dataRoot` if given, and below ENGINE_DATA_ROOT if that is set (for a
 * relative `dataRoot`, its place below it).
 */
export function dataRoots(dataRoot: string | undefined): string[] {
  const variable = process.env[DATA_ROOT_VARIABLE];
  const roots = dataRoot ? [resolve(dataRoot)] : [];
  if (variable && (!dataRoot || !isRooted(dataRoot))) roots.push(resolve(variable, dataRoot ?? ''));
  return roots;
}

/**
 * The root that `file` lies in: `dataRoot` as it is, unless the file is missing there and stands below
 * ENGINE_DATA_ROOT.
 */
export function locateRoot(dataRoot: string, file: string): string {
  const variable = process.env[DATA_ROOT_VARIABLE];
  if (
    !variable ||
    file === '' ||
    isRooted(file) ||
    isRooted(dataRoot) ||
    existsSync(joinData(dataRoot, file))
  ) {
    return dataRoot;
  }
  const below = resolve(variable, dataRoot);
  return existsSync(join(below, file)) ? below : dataRoot;
}

/** The house error for data that are not there, naming every place that was looked at. */
export function missingData(
  what: string,
  looked: readonly string[],
  fix?: string,
  cause?: unknown,
): EngineError {
  const variable = process.env[DATA_ROOT_VARIABLE];
  return new EngineError({
    code: 'E_DATA_MISSING',
    what,
    received: `looked at ${looked.length ? looked.join(', ') : 'no folder'} (${DATA_ROOT_VARIABLE} is ${variable ? `'${variable}'` : 'not set'})`,
    expected: 'the data in one of these places',
    fix: fix ?? `set dataRoot in the config, or ${DATA_ROOT_VARIABLE}, to the folder that holds the data`,
    cause,
    exitCode: 2,
  });
}
