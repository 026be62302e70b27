import { EngineError, show } from '@engine/core';
import { joinData } from './data-paths.js';
import type { DataInfo } from './item-store.js';

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(source: string, what: string, received: unknown, expected: string): EngineError {
  return new EngineError({
    code: 'E_DATA_ANNOTATION',
    what: `The annotations of ${source} cannot be used: ${what}.`,
    received: show(received),
    expected,
    exitCode: 2,
  });
}

/**
 * A copy of an entry of an annotation file with a folder put before the paths it holds.
 * @param source the dataset, for error messages
 * @param prefixes folder by key; each of these keys must hold a path
 * @throws E_DATA_ANNOTATION
 */
export function joinPrefixes(
  source: string,
  raw: unknown,
  prefixes: Readonly<Record<string, string>>,
): DataInfo {
  if (!isMapping(raw)) throw bad(source, 'an entry is no object', raw, 'an object');
  const info: DataInfo = { ...raw };
  for (const [key, prefix] of Object.entries(prefixes)) {
    const value = info[key];
    if (typeof value !== 'string') {
      throw bad(source, `an entry has no path '${key}', which dataPrefix names`, raw, `a string '${key}'`);
    }
    info[key] = joinData(prefix, value);
  }
  return info;
}

/**
 * What `parseDataInfo` gave, as a list of annotations.
 * @throws E_DATA_ANNOTATION for anything but an object or a list of objects
 */
export function asDataInfos(source: string, parsed: unknown): DataInfo[] {
  const infos: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  for (const info of infos) {
    if (!isMapping(info)) {
      throw bad(source, 'parseDataInfo gave no annotation', info, 'an object or a list of objects');
    }
  }
  return infos as DataInfo[];
}
