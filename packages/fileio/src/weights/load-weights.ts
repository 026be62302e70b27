import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { EngineError, listNames, type HostArray } from '@engine/core';
import { getFileBackend, parseUriPrefix } from '../storage/file-backend.js';
import { fetchWeights, type FetchWeightsOptions } from './cache.js';
import { findPackageModel, noWeights, readPackageModels, splitModelName } from './package-models.js';
import { packagePath } from './package-path.js';
import { parseWeights, readWeights, selectWeights, type WeightOptions } from './read-weights.js';

/** Turns an address of weights into a path on this machine. */
export type WeightScheme = (address: string, options: FetchWeightsOptions) => Promise<string> | string;

const schemes = new Map<string, WeightScheme>([
  ['http://', fetchWeights],
  ['https://', fetchWeights],
  ['file://', (address) => fileURLToPath(address)],
]);

/**
 * Makes weights findable under a prefix such as `zoo://`: `find` answers with a local path, having downloaded the file
 * if need be ({@link fetchWeights} does that). The longest prefix that fits decides.
 * @throws E_WEIGHTS_SCHEME when the prefix is taken and `force` is not set
 */
export function registerWeightScheme(
  prefix: string,
  find: WeightScheme,
  options: { force?: boolean } = {},
): void {
  if (schemes.has(prefix) && !options.force) {
    throw new EngineError({
      code: 'E_WEIGHTS_SCHEME',
      what: `Weights at '${prefix}…' are looked up by something else already.`,
      received: `prefix '${prefix}'`,
      expected: `a prefix beside ${listNames(schemes.keys())}`,
      fix: 'choose another prefix, or pass { force: true }',
    });
  }
  schemes.set(prefix, find);
}

function schemeOf(address: string): WeightScheme | undefined {
  const fitting = [...schemes.keys()].filter((prefix) => address.startsWith(prefix));
  return schemes.get(fitting.sort((a, b) => b.length - a.length)[0] ?? '');
}

/** True for an address that {@link localWeights} must resolve, false for a path of this machine. */
export function isWeightAddress(address: string): boolean {
  return schemeOf(address) !== undefined || /^[@\w./-]+::/.test(address) || /^[\w+.:-]+:\/\//.test(address);
}

/**
 * A path on this machine for weights at a plain path (`~` is the home folder), `http://`, `https://`, `file://`,
 * `package::path`, `package::model` (a name of {@link readPackageModels}) or a registered scheme. Downloads are kept,
 * see {@link fetchWeights}.
 * @returns undefined for an address of a storage (`s3://…`), which is read without the cache
 */
export async function localWeights(
  address: string,
  options: FetchWeightsOptions = {},
): Promise<string | undefined> {
  const scheme = schemeOf(address);
  if (scheme) return scheme(address, options);
  if (/^[@\w./-]+::/.test(address)) return packageWeights(address, options);
  if (parseUriPrefix(address) !== '') return undefined;
  return address.replace(/^~(?=[\\/]|$)/, () => homedir());
}

/** `package::x` is a file of the package where there is one, else a model of its index. */
async function packageWeights(address: string, options: FetchWeightsOptions): Promise<string | undefined> {
  const file = packagePath(address);
  if (existsSync(file)) return file;
  const [pack, name] = splitModelName(address);
  const models = await readPackageModels(pack);
  // Without any models the path was meant, and reading it says that it is not there.
  if (models.models.length === 0) return file;
  const { weights } = await findPackageModel(models, name);
  if (weights === undefined) throw noWeights(address);
  return localWeights(weights, options);
}

/**
 * The tensors of weights wherever they are: see {@link localWeights} for addresses, {@link parseWeights} for formats,
 * {@link WeightOptions} for names. Names and layouts are those of the file.
 *
 * @throws E_IO_NOT_FOUND, E_WEIGHTS_NONE, E_WEIGHTS_PREFIX, E_WEIGHTS_CHECKSUM, E_HTTP_FAILED, and those of the formats
 */
export async function loadWeights(
  address: string,
  options: WeightOptions & FetchWeightsOptions = {},
): Promise<Record<string, HostArray>> {
  const { prefix, reviseKeys, ...fetching } = options;
  const path = await localWeights(address, fetching);
  if (path !== undefined) return readWeights(path, { prefix, reviseKeys });
  const bytes = await getFileBackend(address, {}, true).get(address, {
    onProgress: options.onProgress,
    signal: options.signal,
  });
  return selectWeights(parseWeights(bytes, address), { prefix, reviseKeys });
}
