import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import {
  EngineError,
  WEIGHT_INITIALIZERS,
  badValue,
  checkKeys,
  listNames,
  register,
  type HostArray,
} from '@engine/core';
import { readSafetensors } from '@engine/fileio';
import type { Variable } from '@engine/tensor';

import type { Module } from '../module.js';
import { fromTorchLayout } from '../torch-layout.js';
import type { WeightInitializer } from './init-module.js';

export interface PretrainedInitOptions {
  /** A `.safetensors` file, or a checkpoint folder that holds `model.safetensors`. */
  checkpoint: string;
  /** Take only what is below this name in the file, such as 'backbone'; everything unless said. */
  prefix?: string | undefined;
}

declare module '@engine/core' {
  interface WeightInitializerTypes {
    Pretrained: PretrainedInitOptions;
  }
}

const WEIGHTS = 'model.safetensors';

/** The tensors of a checkpoint, by name, in PyTorch's layout. */
function readTensors(checkpoint: string): Record<string, HostArray> {
  let file = checkpoint;
  try {
    if (statSync(checkpoint).isDirectory()) file = join(checkpoint, WEIGHTS);
    return readSafetensors(new Uint8Array(readFileSync(file)), { file }).tensors;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ENOENT') throw cause;
    throw new EngineError({
      code: 'E_INIT_PRETRAINED',
      what: 'The pretrained weights are not there.',
      received: `Pretrained.checkpoint = '${checkpoint}'`,
      expected: `a .safetensors file on this machine, or a checkpoint folder with ${WEIGHTS}`,
      option: 'checkpoint',
      cause,
      exitCode: 2,
    });
  }
}

/** The entries below a dotted name, without it. */
function below(tensors: Record<string, HostArray>, prefix: string): Record<string, HostArray> {
  const start = prefix.endsWith('.') ? prefix : `${prefix}.`;
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(start));
  if (found.length === 0) {
    const tops = [...new Set(Object.keys(tensors).map((name) => name.split('.')[0]!))];
    throw badValue(
      'Pretrained.prefix',
      prefix,
      `the beginning of a name in the checkpoint: ${listNames(tops)}`,
    );
  }
  return Object.fromEntries(found.map(([name, value]) => [name.slice(start.length), value]));
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
    checkKeys('Pretrained', options, ['checkpoint', 'prefix']);
    if (typeof options.checkpoint !== 'string' || options.checkpoint === '')
      throw badValue('Pretrained.checkpoint', options.checkpoint, 'the path of a file or folder');
    if (options.prefix !== undefined && typeof options.prefix !== 'string')
      throw badValue('Pretrained.prefix', options.prefix, 'a name');
    this.options = options;
  }

  /**
   * @throws E_INIT_PRETRAINED when there is no file, or nothing of it fits the module
   * @throws E_CONFIG_VALUE when no name begins with the prefix
   */
  initialize(module: Module): Variable[] {
    const { checkpoint, prefix } = this.options;
    const all = readTensors(checkpoint);
    const tensors = prefix ? below(all, prefix) : all;
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
