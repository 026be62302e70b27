import { dirname, extname } from 'node:path';
import { EngineError, isEngineError, show } from '../errors.js';
import { importModule } from '../modules/plugins.js';
import { READER_PACKAGES } from '../providers.js';
import { CONFIG_READERS } from '../registries.js';
import type { ConfigLayer } from './layers.js';
import type { ConfigValues } from './values.js';

/** A config file with all it inherits from, as its reader hands it over. */
export interface ConfigRead {
  /** The merged values. */
  values: ConfigValues;
  /** What each file says, in the order they apply; the file itself last. */
  layers: ConfigLayer[];
  /** The files' texts in that order, each preceded by its path. */
  texts: string[];
  /** Whatever the reader wants to find again when another file it reads inherits from this one. */
  native?: unknown;
}

/** What a reader of config files is given. */
export interface ConfigReadRequest {
  /** Absolute path. */
  readonly file: string;
  /** What stands in the file. */
  readonly text: string;
  /** Whether it was asked for by name, or by a file that inherits from it. */
  readonly via: 'file' | 'base';
  /** Options of `loadConfig` that are meant for the reader. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * The text with `{{ fileBasename }}` and its like and `{{$NAME:default}}` replaced.
   * @throws E_CONFIG_ENV
   */
  substitute(): string;
  /**
   * Reads the files this one inherits from.
   * @param names paths, relative to the file
   * @throws E_CONFIG_BASE_CYCLE; E_CONFIG_BASE_KEYS when two of them have a top-level key in common
   */
  bases(names: readonly string[]): Promise<ConfigRead[]>;
  /** Warns of a file whose `_deprecation_` this is. */
  warnDeprecated(deprecation: unknown): void;
}

/**
 * Reads config files of one extension, under which it is registered in `CONFIG_READERS` (`py`). Plugins provide it; the
 * engine's own formats need none.
 */
export type ConfigReader = (request: ConfigReadRequest) => Promise<ConfigRead>;

/**
 * The reader for a file whose format the engine does not know itself. A first-party package that provides one is
 * imported when it is installed.
 * @param formats extensions that need no reader, for the message
 * @throws E_CONFIG_EXTENSION, with the package to add where one is known
 */
export async function readerOf(file: string, formats: readonly string[]): Promise<ConfigReader> {
  const extension = extname(file);
  const name = extension.slice(1);
  const known = (): ConfigReader | undefined =>
    name === '' ? undefined : (CONFIG_READERS.get(name) as ConfigReader | undefined);
  const provider = READER_PACKAGES[name];
  if (!known() && provider !== undefined) await importProvider(provider, [dirname(file), process.cwd()]);
  const reader = known();
  if (reader) return reader;
  throw new EngineError({
    code: 'E_CONFIG_EXTENSION',
    what:
      provider === undefined
        ? `'${extension}' is not a kind of config file.`
        : `A '${extension}' config is read by the package ${provider}, which is not installed.`,
    received: show(file, 200),
    expected: `one of ${formats.join(', ')}`,
    fix: provider && `pnpm add ${provider}`,
    exitCode: 2,
  });
}

/** Looks for the package beside the config first, then beside whoever runs the command. */
async function importProvider(specifier: string, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await importModule(specifier, folder);
      return;
    } catch (error) {
      if (!isEngineError(error) || error.code !== 'E_MODULE_NOT_FOUND') throw error;
    }
  }
}
