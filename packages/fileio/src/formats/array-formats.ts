import { EngineError, isHostArray, show, type HostArray } from '@engine/core';
import { readNpy, readNpz, writeNpy, writeNpz } from '../numpy/npy.js';
import { readTorch } from '../torch/read-torch.js';
import { formatCsv, parseCsv } from './csv.js';
import { registerFileFormat } from './file-format.js';

function notArrays(what: string, value: unknown, expected: string): EngineError {
  return new EngineError({ code: 'E_FORMAT_VALUE', what, received: show(value), expected });
}

registerFileFormat({
  name: 'csv',
  extensions: ['csv'],
  parse: parseCsv,
  stringify: formatCsv,
});

registerFileFormat({
  name: 'npy',
  extensions: ['npy'],
  binary: true,
  parse: (bytes, file) => readNpy(bytes, file),
  stringify: (value) => {
    if (isHostArray(value)) return writeNpy(value);
    throw notArrays('Only a host array can be written to an npy file.', value, 'a HostArray');
  },
});

registerFileFormat({
  name: 'npz',
  extensions: ['npz'],
  binary: true,
  parse: (bytes, file) => readNpz(bytes, file),
  stringify: (value) => {
    if (typeof value === 'object' && value !== null && Object.values(value).every(isHostArray))
      return writeNpz(value as Record<string, HostArray>);
    throw notArrays(
      'Only host arrays by name can be written to an npz file.',
      value,
      '{ name: HostArray, … }',
    );
  },
});

registerFileFormat({
  name: 'torch',
  extensions: ['pth', 'pt'],
  binary: true,
  parse: (bytes, file) => readTorch(bytes, { file }),
  stringify: () => {
    throw new EngineError({
      code: 'E_FORMAT_VALUE',
      what: 'Files of torch.save are read, not written.',
      fix: 'write a .safetensors file, which Python reads with safetensors.torch.load_file',
    });
  },
});
