import { MODELS, checkKeys, isHostArray, register } from '@engine/core';
import { mapTree, toTensor } from '@engine/tensor';

import { Module } from '../module.js';

export type BaseDataPreprocessorOptions = object;

declare module '@engine/core' {
  interface ModelTypes {
    BaseDataPreprocessor: BaseDataPreprocessorOptions;
  }
}

/**
 * Brings a collated batch to the device: every host array in plain objects and lists becomes a tensor (floats float32,
 * integers int32, bool bool); everything else stays as it is.
 */
@register(MODELS)
export class BaseDataPreprocessor extends Module {
  constructor(options: BaseDataPreprocessorOptions = {}, known: readonly string[] = []) {
    checkKeys(new.target.name, options, known);
    super();
  }

  /**
   * @param training whether the batch is for a training step
   * @returns a tree like `data`; the tensors that it made are the caller's
   */
  forward(data: unknown, _training = false): unknown {
    return mapTree(data, isHostArray, (array) => toTensor(array, undefined, { owned: true }));
  }
}
