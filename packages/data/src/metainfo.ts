import { readFileSync } from 'node:fs';
import type { Metainfo } from './dataset.js';

/** A string that looks like a path, so that taking it literally deserves a warning. */
const PATH_LIKE = /[/\\]|\.(txt|names|csv)$/i;

/**
 * Facts about a dataset: those of its options win over those of its class, and these over those of its annotation
 * file. A string that names a readable file becomes the list of its lines.
 */
export function mergeMetainfo(fromFile: Metainfo, ofClass: Metainfo, ofOptions: Metainfo): Metainfo {
  const named = { ...ofClass, ...ofOptions };
  const merged = structuredClone({ ...fromFile, ...named });
  for (const key of Object.keys(named)) {
    const value = merged[key];
    if (typeof value === 'string') merged[key] = linesOf(key, value);
  }
  return merged;
}

function linesOf(key: string, value: string): string | string[] {
  try {
    return readFileSync(value, 'utf8')
      .replace(/\r?\n$/, '')
      .split(/\r?\n/);
  } catch {
    if (PATH_LIKE.test(value)) {
      process.emitWarning(
        `metainfo.${key} = '${value}' is no file that can be read; it is taken literally.`,
        {
          type: 'EngineWarning',
          code: 'W_DATA_METAINFO',
        },
      );
    }
    return value;
  }
}
