import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { hostArray, type HostArray } from '@engine/core';
import { writeSafetensors } from '@engine/fileio';
import { expectNoLeak } from '@engine/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { Linear, Sequential, type InitConfig } from '../index.js';

let folder: string;
let file: string;
const range = (count: number, from: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => from + i);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pretrained-'));
  file = join(folder, 'model.safetensors');
  const tensors: Record<string, HostArray> = {
    'backbone.0.weight': hostArray(range(6, 1), [3, 2]),
    'backbone.0.bias': hostArray(range(3, 10), [3]),
    'backbone.1.weight': hostArray(range(4, 0), [2, 2]),
    'head.weight': hostArray(range(1, 0), [1, 1]),
  };
  writeFileSync(file, new Uint8Array(Buffer.concat(writeSafetensors(tensors))));
});
afterAll(() => rmSync(folder, { recursive: true }));

function build(initCfg: InitConfig): Sequential {
  return new Sequential({
    modules: [new Linear({ inFeatures: 2, outFeatures: 3 }), new Linear({ inFeatures: 3, outFeatures: 1 })],
    initCfg,
  });
}

it('takes what fits from a file or a checkpoint folder, in memory layout, and leaves the rest', () => {
  for (const checkpoint of [file, folder]) {
    expectNoLeak(() => {
      const net = build({ type: 'Pretrained', checkpoint, prefix: 'backbone' });
      const report = net.initWeights({ seed: 5 });
      const state = net.stateDict();
      expect(Array.from(state['0.weight']!.dataSync())).toEqual([1, 3, 5, 2, 4, 6]);
      expect(Array.from(state['0.bias']!.dataSync())).toEqual([10, 11, 12]);
      expect(report['0.weight']).toMatch(/Pretrained/);
      // The one in the file has another shape.
      expect(report['1.weight']).toBe('default of Linear');
      net.dispose();
    });
  }
});

it('wins over initialisers of the same module and of those below', () => {
  const net = new Sequential({
    modules: [
      new Linear({ inFeatures: 2, outFeatures: 3, initCfg: { type: 'Constant', val: 7, layer: 'Linear' } }),
    ],
    initCfg: [
      { type: 'Pretrained', checkpoint: file, prefix: 'backbone.' },
      { type: 'Constant', val: 8, layer: 'Linear' },
    ],
  });
  net.initWeights();
  expect(Array.from(net.stateDict()['0.weight']!.dataSync())).toEqual([1, 3, 5, 2, 4, 6]);
  net.dispose();
});

it('names what is wrong', () => {
  const attempt = (options: { checkpoint: string; prefix?: string }) => () => {
    const net = build({ type: 'Pretrained', ...options });
    try {
      net.initWeights();
    } finally {
      net.dispose();
    }
  };
  expect(attempt({ checkpoint: join(folder, 'nothing') })).toThrow(/E_INIT_PRETRAINED[\s\S]*nothing/);
  expect(attempt({ checkpoint: file, prefix: 'neck' })).toThrow(/prefix = 'neck'[\s\S]*backbone, head/);
  expect(attempt({ checkpoint: file })).toThrow(/Nothing in the pretrained weights fits/);
  expect(() => build({ type: 'Pretrained', checkpoint: '' }).initWeights()).toThrow('Pretrained.checkpoint');
});
