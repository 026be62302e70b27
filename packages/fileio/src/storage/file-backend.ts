import { EngineError, listNames, nearest, STORAGE_BACKENDS, show, type ComponentConfig } from '@engine/core';
import '../lmdb/lmdb-backend.js';
import './http-backend.js';
import './local-backend.js';
import './memcached-backend.js';
import './memory-backend.js';
import type { StorageBackend } from './storage-backend.js';

/** Which storage serves a path: `backend` names it, else the path's prefix does; the rest are its options. */
export interface BackendOptions {
  /** Name in `STORAGE_BACKENDS`; beats the prefix. */
  backend?: string | undefined;
  [option: string]: unknown;
}

/** The engine's own plugins by the prefix that they serve. */
const PLUGINS: Readonly<Record<string, string>> = { s3: '@engine/storage-s3' };

/** Storages in use by the file functions, one per name and options, so that a connection is made once. */
const shared = new Map<string, StorageBackend>();

/**
 * The text before `://`; '' for a plain path. `cluster:s3://x` gives `s3`.
 * @throws E_STORAGE_PATH when `uri` is no string
 */
export function parseUriPrefix(uri: string): string {
  if (typeof uri !== 'string') {
    throw new EngineError({
      code: 'E_STORAGE_PATH',
      what: 'A path must be a string.',
      received: show(uri),
      expected: "a path such as 'data/x.json' or 'memory://x.json'",
    });
  }
  const at = uri.indexOf('://');
  if (at < 0) return '';
  const head = uri.slice(0, at);
  return head.slice(head.lastIndexOf(':') + 1);
}

/** Prefix → registry name of every registered storage. */
function prefixTable(): Map<string, string> {
  const table = new Map<string, { name: string; entry: unknown }>();
  for (const { name, scope, entry } of STORAGE_BACKENDS.list()) {
    const full = scope === 'engine' ? name : `${scope}.${name}`;
    for (const prefix of (entry as { prefixes?: readonly string[] }).prefixes ?? []) {
      const taken = table.get(prefix);
      if (taken && taken.entry !== entry) {
        throw new EngineError({
          code: 'E_STORAGE_PREFIX_TAKEN',
          what: `Two storages want the prefix '${prefix}://'.`,
          received: `${taken.name} and ${full}`,
          fix: "name one with `backend: '…'` in the options, or take the prefix off one class",
        });
      }
      table.set(prefix, { name: full, entry });
    }
  }
  return new Map([...table].map(([prefix, { name }]) => [prefix, name]));
}

/**
 * The storage that serves `uri`, or that `options.backend` names.
 *
 * @param options passed to the storage without `backend`; not modified
 * @param singleton return the instance made before for the same storage and options. The file functions do.
 * @throws E_STORAGE_PREFIX for an unknown prefix, E_REGISTRY_UNKNOWN for an unknown name, E_STORAGE_PATH without both
 */
export function getFileBackend(
  uri: string | undefined,
  options: BackendOptions = {},
  singleton = false,
): StorageBackend {
  const { backend, ...rest } = options;
  const type = backend ?? nameForUri(uri);
  const build = (): StorageBackend =>
    STORAGE_BACKENDS.build<StorageBackend>({ type, ...rest } as ComponentConfig, { path: 'backendOptions' });
  if (!singleton) return build();
  const key = `${type} ${JSON.stringify(rest)}`;
  let found = shared.get(key);
  if (!found) shared.set(key, (found = build()));
  return found;
}

function nameForUri(uri: string | undefined): string {
  if (uri === undefined) {
    throw new EngineError({
      code: 'E_STORAGE_PATH',
      what: 'A storage can only be chosen by a path or by its name.',
      expected: 'a path, or `backend` in the options',
    });
  }
  const prefix = parseUriPrefix(uri);
  const table = prefixTable();
  const name = table.get(prefix);
  if (name !== undefined) return name;
  const plugin = PLUGINS[prefix];
  throw new EngineError({
    code: 'E_STORAGE_PREFIX',
    what: `No storage serves '${prefix}://'.`,
    received: `'${uri}'`,
    expected: `a plain path, or one of ${listNames([...table.keys()].filter((known) => known !== ''))}`,
    didYouMean: nearest(prefix, table.keys()),
    fix: plugin
      ? `pnpm add ${plugin}, and import it or list it under \`plugins\` in the config`
      : 'import the package that serves it, or list that package under `plugins` in the config',
  });
}

/** Forgets the storages that the file functions have made, and with them what `memory://` holds. */
export function clearFileBackends(): void {
  shared.clear();
}
