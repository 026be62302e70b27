import { dirname } from 'node:path';
import { badValue, checkKeys, loadConfig, loadPlugins, MODELS, withScope, type Config } from '@engine/core';
import {
  findPackageModel,
  loadWeights,
  noWeights,
  readPackageModels,
  splitModelName,
  type ModelEntry,
} from '@engine/fileio';
import { fetchPretrained, type BaseModel, type LoadReport } from '@engine/nn';
import { restoreModel } from '@engine/runner';

export interface GetConfigOptions {
  /** Put the address of the trained weights in `modelPath` of the config. Default false. */
  pretrained?: boolean | undefined;
  /** Values by dotted path, applied last. */
  overrides?: Readonly<Record<string, unknown>> | undefined;
  /** Folder to look for the package from. Default the working directory. */
  from?: string | undefined;
}

export interface GetModelOptions extends Omit<GetConfigOptions, 'overrides'> {
  /** Options of the model that differ from its config. */
  model?: Readonly<Record<string, unknown>> | undefined;
  /** Seed of the initial weights. Default 0. */
  seed?: number | undefined;
}

async function locate(
  address: string,
  { pretrained, from }: GetConfigOptions,
): Promise<{ config: string; weights: string | undefined }> {
  const [pack, name] = splitModelName(address);
  const found = await findPackageModel(await readPackageModels(pack, from), name);
  if (pretrained && found.weights === undefined) throw noWeights(address);
  return found;
}

/**
 * The config of a model that an installed package offers: `getConfig('@engine/vision::resnet18')`, by the name of the
 * model in the package's index or by the path of the config below the package's folder of configs.
 *
 * @throws E_HUB_UNKNOWN with near names, E_HUB_NO_WEIGHTS, E_PACKAGE_MISSING, E_HUB_MANIFEST, and those of `loadConfig`
 */
export async function getConfig(address: string, options: GetConfigOptions = {}): Promise<Config> {
  checkKeys('getConfig', options, ['pretrained', 'overrides', 'from']);
  const { config, weights } = await locate(address, options);
  const loaded = await loadConfig(config, { overrides: options.overrides ?? {} });
  return options.pretrained ? loaded.mergeFromDict({ modelPath: weights }) : loaded;
}

/** Names of the models in an installed package's index. @throws E_PACKAGE_MISSING, E_HUB_MANIFEST */
export async function listModels(pack: string, from?: string): Promise<readonly ModelEntry[]> {
  return (await readPackageModels(pack, from)).models;
}

/**
 * A model that an installed package offers, with initial weights or, with `pretrained`, with trained ones, which are
 * downloaded once. The plugins that its config lists are loaded, and it is built in the config's `defaultScope`.
 *
 * @returns the model, which the caller disposes, and what found no place when weights were loaded
 * @throws those of {@link getConfig}, of building the model, and of `loadWeights`; E_CONFIG_VALUE without a `model`
 */
export async function getModel(
  address: string,
  options: GetModelOptions = {},
): Promise<{ model: BaseModel; report: LoadReport | undefined }> {
  checkKeys('getModel', options, ['pretrained', 'model', 'seed', 'from']);
  const { config: file, weights } = await locate(address, options);
  const { values } = await loadConfig(file);
  const { plugins, defaultScope, model: found } = values as Record<string, unknown>;
  if (typeof found !== 'object' || found === null) throw badValue('model', found, `a model in ${file}`);
  if (Array.isArray(plugins)) await loadPlugins(plugins as string[], dirname(file));
  const model = withScope(typeof defaultScope === 'string' ? defaultScope : undefined, () =>
    MODELS.build<BaseModel>({ ...found, ...options.model } as never, { path: 'model' }),
  );
  try {
    // Weights that are loaded anyway need none of those the config would start from.
    if (!options.pretrained) await fetchPretrained(model);
    const report = options.pretrained ? restoreModel(model, await loadWeights(weights!), false) : undefined;
    if (!report) model.initWeights({ seed: options.seed ?? 0 });
    else for (const [, module] of model.namedModules()) module.initialized = true;
    return { model, report };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
