import type { ConfigLayer, ConfigValues } from '@engine/core';
import type { Origin } from '../python/values.js';
import type { Exported } from './export.js';

/** The lines of a file's members. */
function linesOf(origins: ReadonlyMap<string, Origin>, file: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const [path, origin] of origins) if (origin.file === file) lines.set(path, origin.line);
  return lines;
}

/** The layer of a file whose values are all its own. */
export function wholeLayer({ values, origins }: Exported, file: string): ConfigLayer {
  return { via: 'file', file, values, lines: linesOf(origins, file) };
}

/** The layer of a file that changes in place what it imports: the members that it set itself. */
export function ownLayer({ values, origins }: Exported, file: string): ConfigLayer {
  const own = (mapping: ConfigValues, path: string): ConfigValues | undefined => {
    const found: ConfigValues = {};
    for (const [key, value] of Object.entries(mapping)) {
      const inner = path === '' ? key : `${path}.${key}`;
      const plain = typeof value === 'object' && value !== null && !Array.isArray(value);
      const mine = origins.get(inner)?.file === file;
      if (mine) found[key] = plain ? { _delete_: true, ...(value as ConfigValues) } : value;
      else if (plain) {
        const members = own(value as ConfigValues, inner);
        if (members) found[key] = members;
      }
    }
    return Object.keys(found).length > 0 ? found : undefined;
  };
  return { via: 'file', file, values: own(values, '') ?? {}, lines: linesOf(origins, file) };
}
