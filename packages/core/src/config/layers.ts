import type { ConfigOrigin } from '../provenance.js';
import { DELETE_KEY, isPlainObject, type ConfigValues } from './values.js';

/** One source of a config: a file's own values, or one override. */
export interface ConfigLayer {
  via: ConfigOrigin['via'];
  /** Absolute path; undefined for an override and for values made in a program. */
  file?: string | undefined;
  /** The override as it was given. */
  text?: string | undefined;
  /** What this layer says, with its `_delete_` markers; for an override nested by its path. */
  values: ConfigValues;
  /** 1-based lines by dotted path, as far as they are known. */
  lines: ReadonlyMap<string, number>;
}

/** Layers that had a say in the value at a dotted path, in the order they were applied, the one in force last. */
export function originsOf(layers: readonly ConfigLayer[], path: string): ConfigOrigin[] {
  const keys = path === '' ? [] : path.split('.');
  let origins: ConfigOrigin[] = [];
  for (const layer of layers) {
    const met = visit(layer, keys);
    if (met.replaces) origins = [];
    if (!met.found) continue;
    const line = lineOf(layer.lines, keys);
    origins.push({ file: layer.file, line, via: layer.via, text: layer.text, value: met.value });
  }
  return origins;
}

/** Whether a layer speaks of a path, and whether it throws away what earlier layers said of it. */
function visit(
  layer: ConfigLayer,
  keys: readonly string[],
): { found: boolean; replaces: boolean; value?: unknown } {
  let value: unknown = layer.values;
  let replaces = false;
  for (const key of keys) {
    if (isPlainObject(value)) {
      replaces ||= value[DELETE_KEY] === true;
      if (!Object.hasOwn(value, key)) return { found: false, replaces };
      value = value[key];
    } else {
      // A list or a single value stands for the whole: whatever an earlier layer had inside is gone.
      replaces = true;
      const list = Array.isArray(value) ? value : [];
      if (!/^\d+$/.test(key) || Number(key) >= list.length) return { found: false, replaces };
      value = list[Number(key)] as unknown;
    }
  }
  if (isPlainObject(value)) replaces ||= value[DELETE_KEY] === true;
  return { found: true, replaces, value };
}

/** The line of the path itself, or of the nearest thing around it. */
function lineOf(lines: ReadonlyMap<string, number>, keys: readonly string[]): number | undefined {
  for (let n = keys.length; n > 0; n--) {
    const line = lines.get(keys.slice(0, n).join('.'));
    if (line !== undefined) return line;
  }
  return undefined;
}
