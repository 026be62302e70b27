import { EngineError } from '@engine/core';
import { setItem, toConfigDict } from '../python/config-dict.js';
import { repr } from '../python/text.js';
import { PyDict, truthy, typeName } from '../python/values.js';

/**
 * MMEngine's merge of a file over its bases: mappings merge key by key, everything else replaces; `_delete_=True` in a
 * mapping makes it replace the base's.
 * @throws E_CONFIG_MERGE for a mapping over something else without `_delete_`
 */
export function mergeDicts(child: PyDict, base: PyDict, path = ''): PyDict {
  const result = new PyDict(true);
  for (const { key, value, origin } of base.items()) setItem(result, key, value, origin);
  for (const { key, value, origin } of child.items()) {
    if (!(value instanceof PyDict)) {
      setItem(result, key, value, origin);
      continue;
    }
    const marker = value.get('_delete_');
    const replaces = marker !== undefined && truthy(marker);
    value.delete('_delete_');
    const own = result.get(key);
    const inner = path === '' ? String(key) : `${path}.${String(key)}`;
    if (own === undefined || replaces) result.set(key, toConfigDict(value), origin);
    else if (own instanceof PyDict) result.set(key, mergeDicts(value, own, inner), origin);
    else throw cannotMerge(inner, value, typeName(own));
  }
  return result;
}

function cannotMerge(path: string, value: PyDict, type: string): EngineError {
  const text = repr(value);
  return new EngineError({
    code: 'E_CONFIG_MERGE',
    what: `'${path}' is a mapping here, but a ${type} in what it is merged over.`,
    received: `${path} = ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`,
    expected: type === 'list' ? 'a whole list, since lists are replaced and never merged' : 'a single value',
    fix: 'add `_delete_=True` to the mapping to replace the other value',
    exitCode: 2,
  });
}
