import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { EngineError, show } from '../errors.js';
import { setProvenance, showOrigin, type ConfigOrigin, type Provenance } from '../provenance.js';
import { listNames, nearest } from '../suggest.js';
import { checkRoot } from './check-root.js';
import { DUMP_FORMATS, dumpValues, type DumpFormat } from './dump.js';
import { originsOf, type ConfigLayer } from './layers.js';
import { loadText } from './load-files.js';
import { mergeValues, nest, type MergeOptions } from './merge.js';
import type { ConfigFormat } from './read-layer.js';
import { unifiedDiff } from './text-diff.js';
import { copyValues, isPlainObject, joinPath, valueAt, type ConfigValues } from './values.js';

export interface ConfigSource {
  /** Absolute path of the file. */
  filename?: string | undefined;
  /** All files in the order they were read, each preceded by its path. */
  text?: string | undefined;
  envVariables?: Readonly<Record<string, string>> | undefined;
  /** Where the values come from; one layer holding all of them unless said. */
  layers?: readonly ConfigLayer[] | undefined;
}

/**
 * A resolved config: plain values, and for each of them which file and line, or which override, set it.
 *
 * @example
 * const config = await loadConfig('configs/r18.yaml', { overrides: ['optimWrapper.optimizer.lr=0.05'] });
 * config.explain('optimWrapper.optimizer.lr');
 */
export class Config {
  readonly filename: string | undefined;
  readonly text: string;
  /** Environment variables that the files used, with the values in force. */
  readonly envVariables: Readonly<Record<string, string>>;
  private resolved: ConfigValues;
  private readonly applied: ConfigLayer[];

  /**
   * @param values copied; classes, functions and instances are kept as they are
   * @throws E_CONFIG_TYPE for anything but a mapping; E_CONFIG_RESERVED for a key that belongs to the config object
   */
  constructor(values: ConfigValues = {}, source: ConfigSource = {}) {
    checkRoot(values, source.filename);
    this.filename = source.filename;
    this.text = source.text ?? '';
    this.envVariables = source.envVariables ?? {};
    this.resolved = copyValues(values, { dropDelete: true });
    this.applied = source.layers
      ? [...source.layers]
      : [{ via: 'file', file: source.filename, values: copyValues(values), lines: new Map() }];
    this.remember();
  }

  /** The config as plain data. Objects in it know where they come from, so that errors about them can say so. */
  get values(): ConfigValues {
    return this.resolved;
  }

  /** What was applied, in order: bases, the file, overrides. */
  get layers(): readonly ConfigLayer[] {
    return this.applied;
  }

  /** The value at a dotted path, or `otherwise`. List elements by number: `hooks.0.interval`. */
  get<T = unknown>(path: string, otherwise?: T): T | undefined {
    const { found, value } = valueAt(this.resolved, path);
    return found ? (value as T) : otherwise;
  }

  has(path: string): boolean {
    return valueAt(this.resolved, path).found;
  }

  /** Who set the value at a dotted path: files and overrides in the order they were applied, the one in force last. */
  origin(path: string): ConfigOrigin[] {
    return originsOf(this.applied, path);
  }

  /**
   * The value at a path and where it comes from, for people.
   * @throws E_CONFIG_PATH when the config has no such value
   */
  explain(path: string): string {
    const { found, value } = valueAt(this.resolved, path);
    if (!found) throw this.unknownPath(path);
    const origins = this.origin(path).reverse();
    const lines = [`${path} = ${show(value, 200)}`];
    origins.forEach((origin, i) => {
      const merged = isPlainObject(value);
      const label = i === 0 ? 'set by' : merged ? 'over' : 'was';
      lines.push(`  ${label.padEnd(8)}${showOrigin(origin)}${merged ? '' : `   ${show(origin.value, 60)}`}`);
    });
    return lines.join('\n');
  }

  /** The values as text that reads back equal; YAML unless said. See {@link dumpValues}. */
  dump(format: DumpFormat = 'yaml'): string {
    return dumpValues(this.resolved, format);
  }

  /**
   * Writes the values to a file, in the format of its extension, replacing it whole.
   * @throws E_CONFIG_EXTENSION for an extension no config has
   */
  dumpTo(file: string): void {
    const format = DUMP_FORMATS[extname(file)];
    if (!format) {
      throw new EngineError({
        code: 'E_CONFIG_EXTENSION',
        what: `A config cannot be written to a file of the kind '${extname(file)}'.`,
        received: show(file),
        expected: `one of ${Object.keys(DUMP_FORMATS).join(', ')}`,
        exitCode: 2,
      });
    }
    mkdirSync(dirname(resolve(file)), { recursive: true });
    const partial = `${file}.${process.pid}.partial`;
    writeFileSync(partial, this.dump(format));
    renameSync(partial, file);
  }

  /**
   * Applies overrides, in order. Missing mappings are made; a mapping is merged over a mapping.
   * @param overrides values by dotted path: `{ 'hooks.0.interval': 5 }`
   * @param options.allowListKeys whether numbers index lists; true unless said
   * @throws E_CONFIG_INDEX, E_CONFIG_MERGE, E_CONFIG_OVERRIDE
   */
  mergeFromDict(overrides: Readonly<Record<string, unknown>>, options: MergeOptions = {}): this {
    const { allowListKeys = true } = options;
    for (const [path, value] of Object.entries(overrides)) {
      this.override(path, value, `${path}=${show(value)}`, { allowListKeys });
    }
    return this;
  }

  /** Applies one override; `text` is how the user wrote it. */
  override(
    path: string,
    value: unknown,
    text: string,
    options: MergeOptions = { allowListKeys: true },
  ): this {
    const values = nest(path, value);
    checkRoot(values, undefined);
    this.resolved = mergeValues(this.resolved, values, options);
    this.applied.push({ via: 'override', text, values, lines: new Map() });
    this.remember();
    return this;
  }

  /**
   * A config from text. Relative `_base_` paths start at the working directory.
   * @param options.env whether `{{$NAME:default}}` is replaced; true unless said
   * @throws what {@link loadConfig} throws
   */
  static async fromString(
    text: string,
    format: ConfigFormat,
    options: { env?: boolean } = {},
  ): Promise<Config> {
    const loaded = await loadText(text, format, options.env ?? true);
    return new Config(loaded.values, loaded);
  }

  /** Unified diff of two configs as YAML; '' when they are equal. */
  static diff(a: Config, b: Config): string {
    return unifiedDiff(a.dump(), b.dump(), [a.filename ?? 'a', b.filename ?? 'b']);
  }

  private remember(): void {
    const locate = (path: string): ConfigOrigin | undefined => this.origin(path).at(-1);
    const visit = (node: unknown, path: string): void => {
      if (!Array.isArray(node) && !isPlainObject(node)) return;
      setProvenance(node, { path, locate } satisfies Provenance);
      for (const [key, member] of Object.entries(node)) visit(member, joinPath(path, key));
    };
    visit(this.resolved, '');
  }

  private unknownPath(path: string): EngineError {
    const keys = path.split('.');
    const depth = keys.findIndex((_, i) => !this.has(keys.slice(0, i + 1).join('.')));
    const holder = valueAt(this.resolved, keys.slice(0, depth).join('.')).value;
    const known = typeof holder === 'object' && holder !== null ? Object.keys(holder) : [];
    const near = nearest(keys[depth]!, known);
    return new EngineError({
      code: 'E_CONFIG_PATH',
      what: `The config has no value at '${path}'.`,
      received: `'${path}'`,
      expected: `${depth > 0 ? `after '${keys.slice(0, depth).join('.')}', ` : ''}one of ${listNames(known)}`,
      didYouMean: near && [...keys.slice(0, depth), near, ...keys.slice(depth + 1)].join('.'),
      exitCode: 2,
    });
  }
}
