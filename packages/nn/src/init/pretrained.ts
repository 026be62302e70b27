import { fileURLToPath } from 'node:url';

import {
  EngineError,
  WEIGHT_INITIALIZERS,
  badValue,
  checkKeys,
  listNames,
  register,
  type HostArray,
} from '@engine/core';
import { cachedWeightsPath, isWeightAddress, packagePath, readWeights, type ReviseKey } from '@engine/fileio';
import type { Variable } from '@engine/tensor';

import type { Module } from '../module.js';
import { fromTorchLayout } from '../torch-layout.js';
import type { WeightInitializer } from './init-module.js';

export interface PretrainedInitOptions {
  /**
   * A `.safetensors`, `.pth` or `.npz` file, or a checkpoint folder that holds `model.safetensors`; also at `https://`,
   * `package::path`, or in a storage (`s3://`), which the Runner fetches before.
   */
  checkpoint: string;
  /** Take only what is below this name in the file, such as 'backbone'; everything unless said. */
  prefix?: string | undefined;
  /** Changes of names before `prefix`: patterns and replacements. Default: `module.` at the beginning goes. */
  reviseKeys?: readonly ReviseKey[] | undefined;
}

declare module '@engine/core' {
  interface WeightInitializerTypes {
    Pretrained: PretrainedInitOptions;
  }
}

/** The tensors of a checkpoint, by name, in PyTorch's layout. */
function readTensors({ checkpoint, prefix, reviseKeys }: PretrainedInitOptions): Record<string, HostArray> {
  let file = checkpoint;
  if (/^https?:\/\//.test(checkpoint)) file = cachedWeightsPath(checkpoint);
  else if (checkpoint.startsWith('file://')) file = fileURLToPath(checkpoint);
  else if (checkpoint.includes('::')) file = packagePath(checkpoint);
  try {
    return readWeights(file, { prefix, reviseKeys });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'E_IO_NOT_FOUND') throw cause;
    throw new EngineError({
      code: 'E_INIT_PRETRAINED',
      what: 'The pretrained weights are not there.',
      received: `Pretrained.checkpoint = '${checkpoint}'`,
      expected: 'a .safetensors, .pth or .npz file, or a checkpoint folder with model.safetensors',
      fix: isWeightAddress(checkpoint)
        ? 'call `await fetchPretrained(model)` before initWeights; the Runner does that'
        : 'check the path',
      option: 'checkpoint',
      cause,
      exitCode: 2,
    });
  }
}

/**
 * Takes values from a file with PyTorch's names and layouts, after everything below has been initialised. What the
 * file lacks, has beside, or has in another shape is passed over, as in MMEngine; but a file of which nothing fits is
 * an error.
 */
@register(WEIGHT_INITIALIZERS, { name: 'Pretrained' })
export class PretrainedInit implements WeightInitializer {
  readonly last = true;
  private readonly options: PretrainedInitOptions;

  constructor(options: PretrainedInitOptions) {
    checkKeys('Pretrained', options, ['checkpoint', 'prefix', 'reviseKeys']);
    if (typeof options.checkpoint !== 'string' || options.checkpoint === '')
      throw badValue('Pretrained.checkpoint', options.checkpoint, 'the path of a file or folder');
    if (options.prefix !== undefined && typeof options.prefix !== 'string')
      throw badValue('Pretrained.prefix', options.prefix, 'a name');
    this.options = options;
  }

  /**
   * @throws E_INIT_PRETRAINED when there is no file, or nothing of it fits the module
   * @throws E_WEIGHTS_PREFIX when no name begins with the prefix
   */
  initialize(module: Module): Variable[] {
    const { checkpoint, prefix } = this.options;
    const tensors = readTensors(this.options);
    const layouts = module.layouts();
    const own = module.stateDict();
    const state = Object.fromEntries(
      Object.entries(tensors).map(([name, value]) => {
        const variable = own[name];
        const fits = variable && value.shape.length === variable.rank;
        return [name, fits ? fromTorchLayout(value, layouts[name]!, variable.shape) : value];
      }),
    );
    const { mismatched } = module.loadStateDict(state);
    const odd = new Set(mismatched.map(({ name }) => name));
    const taken = Object.keys(state).filter((name) => name in own && !odd.has(name));
    if (taken.length === 0) {
      throw new EngineError({
        code: 'E_INIT_PRETRAINED',
        what: 'Nothing in the pretrained weights fits the module.',
        received: `${checkpoint}${prefix ? `, below '${prefix}'` : ''}: ${listNames(Object.keys(tensors))}`,
        expected: `entries such as ${listNames(Object.keys(own))}`,
        fix: 'set `prefix` to the part of the names that the module does not have',
        exitCode: 2,
      });
    }
    return taken.map((name) => own[name]!);
  }
}
