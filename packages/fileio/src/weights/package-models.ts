import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { EngineError, listNames, nearest, show } from '@engine/core';
import { load } from '../formats/load.js';
import { requirePackage } from './package-path.js';

/** One line of a package's model index. */
export interface ModelEntry {
  name: string;
  /** Config file, relative to the package folder. */
  config: string;
  /** Where trained weights are: an address of `loadWeights`, or a path relative to the package folder. */
  weights?: string | undefined;
}

/** What a package offers: its folder, the folder of its configs, and the models with a name. */
export interface PackageModels {
  name: string;
  root: string;
  configs: string;
  models: readonly ModelEntry[];
}

/** Places of a package that says nothing in its package.json. */
const DEFAULTS = { configs: 'configs', models: 'model-index.json' };
const CONFIG_FILE = /\.(m?[tj]s|json5?|ya?ml|py)$/;

function manifestError(pack: string, what: string, received?: string, expected?: string): EngineError {
  return new EngineError({
    code: 'E_HUB_MANIFEST',
    what: `The package '${pack}' ${what}.`,
    received,
    expected,
  });
}

/** The text before and after `::`. @throws E_HUB_NAME */
export function splitModelName(address: string): [pack: string, name: string] {
  const parts = typeof address === 'string' ? /^([^:]+)::(.+)$/.exec(address) : undefined;
  if (parts) return [parts[1]!, parts[2]!];
  throw new EngineError({
    code: 'E_HUB_NAME',
    what: 'A model of a package is named by package and name.',
    received: show(address),
    expected: "'package::name', such as '@engine/vision::resnet18'",
    exitCode: 2,
  });
}

/**
 * Reads what an installed package offers. `engine.configs` in its package.json names the folder of its configs
 * (`configs` unless said) and `engine.models` the index of its models (`model-index.json` unless said), a JSON or YAML
 * file `{ models: [{ name, config, weights }] }`.
 *
 * @param from folder to look for the package from. Default the working directory.
 * @throws E_PACKAGE_MISSING, E_HUB_MANIFEST
 */
export async function readPackageModels(pack: string, from?: string): Promise<PackageModels> {
  const root = requirePackage(pack, pack, from);
  const { engine } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { engine?: unknown };
  const said = (typeof engine === 'object' && engine !== null ? engine : {}) as Record<string, unknown>;
  const place = (key: 'configs' | 'models'): string => {
    const value = said[key] ?? DEFAULTS[key];
    if (typeof value !== 'string')
      throw manifestError(pack, `says no path in engine.${key}`, show(value), 'a path in it');
    return join(root, value);
  };
  const index = place('models');
  if (!existsSync(index)) {
    if (said['models'] !== undefined) throw manifestError(pack, 'has no model index where it says', index);
    return { name: pack, root, configs: place('configs'), models: [] };
  }
  return { name: pack, root, configs: place('configs'), models: checkIndex(pack, await load(index)) };
}

function checkIndex(pack: string, content: unknown): ModelEntry[] {
  const models = (content as { models?: unknown } | null)?.models;
  const isEntry = (entry: unknown): entry is ModelEntry => {
    const { name, config, weights } = (entry ?? {}) as Record<string, unknown>;
    return (
      typeof name === 'string' &&
      typeof config === 'string' &&
      ['string', 'undefined'].includes(typeof weights)
    );
  };
  const bad = Array.isArray(models) ? (models as unknown[]).find((entry) => !isEntry(entry)) : content;
  if (bad !== undefined)
    throw manifestError(
      pack,
      'has a broken model index',
      show(bad),
      '{ models: [{ name, config, weights }] }',
    );
  return models as ModelEntry[];
}

/** Config files of a package without extension, relative to its folder of configs. */
async function configNames(configs: string): Promise<Map<string, string>> {
  const paths = existsSync(configs) ? await readdir(configs, { recursive: true }) : [];
  const files = paths.filter((path) => CONFIG_FILE.test(path) && !path.endsWith('.d.ts'));
  return new Map(
    files.map((path) => [path.slice(0, -extname(path).length).split(sep).join('/'), join(configs, path)]),
  );
}

/**
 * The config file and the weights that a name means in a package: the name of a model in its index, or the path of a
 * config file below its folder of configs, with or without extension.
 * @throws E_HUB_UNKNOWN with near names
 */
export async function findPackageModel(
  { name: pack, root, configs, models }: PackageModels,
  name: string,
): Promise<{ config: string; weights: string | undefined }> {
  const locate = (weights: string): string =>
    existsSync(join(root, weights)) ? join(root, weights) : weights;
  const entry = models.find((model) => model.name === name);
  if (entry) return { config: join(root, entry.config), weights: entry.weights && locate(entry.weights) };
  const files = await configNames(configs);
  const config = files.get(name) ?? [...files.values()].find((file) => file === join(configs, name));
  if (config !== undefined) {
    const listed = models.find((model) => join(root, model.config) === config);
    return { config, weights: listed?.weights && locate(listed.weights) };
  }
  const known = [...models.map((model) => model.name), ...files.keys()];
  throw new EngineError({
    code: 'E_HUB_UNKNOWN',
    what: `The package '${pack}' has no model or config '${name}'.`,
    received: `'${pack}::${name}'`,
    expected: known.length > 0 ? `one of ${listNames(known)}` : `a package with configs in ${configs}`,
    didYouMean: nearest(name, known),
    exitCode: 2,
  });
}

/** The error for trained weights that nobody offers. */
export function noWeights(address: string): EngineError {
  return new EngineError({
    code: 'E_HUB_NO_WEIGHTS',
    what: `There are no trained weights of '${address}'.`,
    expected: "`weights` beside the model in the package's index",
    fix: 'build the model without them, or load weights of your own with `loadFrom`',
    exitCode: 2,
  });
}
