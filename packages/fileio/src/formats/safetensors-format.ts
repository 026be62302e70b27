import { EngineError, isHostArray, show, type HostArray } from '@engine/core';
import { concatBytes } from '../bytes.js';
import { readSafetensors } from '../safetensors/read-safetensors.js';
import { writeSafetensors } from '../safetensors/write-safetensors.js';
import { registerFileFormat } from './file-format.js';

// `load` gives the tensors by name; who needs the metadata calls readSafetensors.
registerFileFormat({
  name: 'safetensors',
  extensions: ['safetensors'],
  binary: true,
  parse: (bytes, file) => readSafetensors(bytes, { file }).tensors,
  stringify: (value) => {
    if (typeof value !== 'object' || value === null || !Object.values(value).every(isHostArray)) {
      throw new EngineError({
        code: 'E_FORMAT_VALUE',
        what: 'Only host arrays by name can be written to a safetensors file.',
        received: show(value),
        expected: '{ name: HostArray, … }',
      });
    }
    return concatBytes(writeSafetensors(value as Record<string, HostArray>));
  },
});
