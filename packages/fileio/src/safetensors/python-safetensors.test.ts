import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { hostArray } from '@engine/core';
import { tempFolder } from '@engine/testing';
import { describe, expect, it } from 'vitest';
import { atomicWrite, get, readSafetensors, writeSafetensors } from '../index.js';

const SCRIPT = `
import json, sys
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
source, target = sys.argv[1:]
with safe_open(source, 'np') as file:
    meta = file.metadata()
    tensors = {name: file.get_tensor(name) for name in file.keys()}
json.dump([meta, {name: [str(x.dtype), list(x.shape), [str(v) for v in x.reshape(-1).tolist()]] for name, x in tensors.items()}], sys.stdout)
save_file(tensors, target, metadata=meta)
`;

const library = spawnSync('python3', ['-c', 'import numpy, safetensors']).status === 0;
if (!library)
  process.stderr.write(
    "Python's safetensors is not installed: its test is left out (pip install safetensors numpy)\n",
  );

describe.skipIf(!library)("Python's safetensors", () => {
  it('reads what is written here, and what it writes is read here', async () => {
    const folder = await tempFolder();
    const [source, target] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
    const given = {
      bool: hostArray(Uint8Array.of(1, 0), [2], 'bool'),
      uint8: hostArray(Uint8Array.of(255), []),
      int16: hostArray(Int16Array.of(-32768, 7, 8), [3, 1]),
      int64: hostArray(BigInt64Array.of(-(2n ** 63n)), [1]),
      float16: hostArray(Uint16Array.of(0x3e00, 0xc000), [2], 'float16'),
      float32: hostArray(Float32Array.of(0.5, -1.25), [1, 2]),
      float64: hostArray(Float64Array.of(0.1), [1]),
      empty: hostArray(new Float32Array(), [0, 3]),
      'größe.東京': hostArray(Float32Array.of(1), [1]),
    };
    await atomicWrite(source, writeSafetensors(given, { format: 'pt', note: 'é "quoted"' }));
    const result = spawnSync('python3', ['-c', SCRIPT, source, target], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toEqual([
      { format: 'pt', note: 'é "quoted"' },
      {
        bool: ['bool', [2], ['True', 'False']],
        uint8: ['uint8', [], ['255']],
        int16: ['int16', [3, 1], ['-32768', '7', '8']],
        int64: ['int64', [1], ['-9223372036854775808']],
        float16: ['float16', [2], ['1.5', '-2.0']],
        float32: ['float32', [1, 2], ['0.5', '-1.25']],
        float64: ['float64', [1], ['0.1']],
        empty: ['float32', [0, 3], []],
        'größe.東京': ['float32', [1], ['1.0']],
      },
    ]);
    expect(readSafetensors(await get(target))).toEqual(readSafetensors(await get(source)));
  });
});
