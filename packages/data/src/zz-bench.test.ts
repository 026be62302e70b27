import { it } from 'vitest';
import { DATASETS, hostArray } from '@engine/core';
import '/work/main/plugins/vision/src/datasets/index.js';
import '/work/main/plugins/vision/src/transforms/index.js';
import { buildDataloader } from './index.js';
it('bench', async () => {
  const dataset = { length: 64*500, getItem: () => SAMPLE };
  const SAMPLE = { inputs: hostArray(new Uint8Array(3072), [32,32,3]), gtLabels: 1 };
  for (const [name, fn] of [['noop', (b: any) => b], ['default', 'defaultCollate']] as const) {
    const l = buildDataloader({ dataset: dataset as any, batchSize: 64, shuffle: true, collateFn: fn as any }, {seed: 1});
    for (let r = 0; r < 3; r++) { l.setEpoch(r); let t = performance.now(); let n = 0; for await (const _ of l) n++; console.log(name, ((performance.now() - t) / n * 1000).toFixed(1), 'us/batch'); }
  }
  let t = performance.now();
  const l = buildDataloader({ dataset: { type: 'vision.CIFAR10', dataRoot: '/work/shared/data', pipeline: [{type:'RandomCrop', size: 32, padding: 4}, {type:'RandomFlip'}, {type: 'PackInputs'}] } as any, batchSize: 64, shuffle: true, collateFn: 'defaultCollate' }, {seed: 1});
  console.log('load', performance.now() - t, l.length);
  for (let r = 0; r < 3; r++) { l.setEpoch(r); t = performance.now(); let n = 0; for await (const _ of l) n++; console.log('cifar', ((performance.now() - t) / n * 1000).toFixed(1), 'us/batch'); }
  const w = buildDataloader({ dataset: { type: 'vision.CIFAR10', dataRoot: '/work/shared/data', pipeline: [{type:'RandomCrop', size: 32, padding: 4}, {type:'RandomFlip'}, {type: 'PackInputs'}] } as any, batchSize: 64, shuffle: true, numWorkers: 2, collateFn: 'defaultCollate' }, {seed: 1});
  for (let r = 0; r < 3; r++) { l.setEpoch(r); t = performance.now(); let n = 0; for await (const _ of w) n++; console.log('cifar 2w', ((performance.now() - t) / n * 1000).toFixed(1), 'us/batch'); }
  await w.close();
  t = performance.now(); const g: any = DATASETS.build({type:'vision.GeneratedImages', numSamples: 5000} as any); g.fullInit(); console.log('gen us/img', (performance.now()-t)/5);
});
