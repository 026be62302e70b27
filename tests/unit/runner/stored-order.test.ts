import { TorchBackend } from '@engine/backend-torch';
import { hostArray, RandomStream, type HostArray } from '@engine/core';
import { BaseModel, Conv2d, ConvTranspose2d, Linear, toTorchLayout } from '@engine/nn';
import { readCheckpoint, Runner, type CheckpointContent, type Run, type RunnerOptions } from '@engine/runner';
import { tf, toHostArray, type Tensor } from '@engine/tensor';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder, toyOptions, trained } from './toy.js';

const folder = temporaryFolder();
afterAll(() => folder.dispose());

/** Every layout of parameters that there is, in sizes that no two axes share. */
class Layouts extends BaseModel {
  point = new Conv2d({ inChannels: 3, outChannels: 24, kernelSize: 1 });
  wide = new Conv2d({ inChannels: 24, outChannels: 10, kernelSize: [3, 2] });
  apart = new Conv2d({ inChannels: 10, outChannels: 20, kernelSize: 3, groups: 10 });
  up = new ConvTranspose2d({ inChannels: 20, outChannels: 6, kernelSize: 2 });
  out = new Linear({ inFeatures: 6, outFeatures: 5 });

  override forward(inputs: Tensor, targets: Tensor, mode: 'loss' | 'predict' | 'tensor' = 'tensor') {
    let x = inputs as tf.Tensor4D;
    for (const layer of [this.point, this.wide, this.apart, this.up]) x = layer.forward(x as never) as never;
    const out = this.out.forward(tf.mean(x, [1, 2]) as never);
    if (mode === 'loss') return { loss: tf.mean(tf.squaredDifference(out, targets)) };
    return mode === 'predict' ? [out, targets] : out;
  }
}

class Images {
  readonly metainfo = {};
  readonly length = 4;
  getItem(index: number): unknown {
    const rng = RandomStream.of(1, 'images', index);
    const draw = (length: number): Float32Array => Float32Array.from({ length }, () => rng.normal());
    return [hostArray(draw(8 * 8 * 3), [8, 8, 3]), hostArray(draw(5), [5])];
  }
}

const torch = await new TorchBackend().probe();
const DEVICES = ['wasm', ...(torch.available ? ['torch'] : [])];

describe.each(DEVICES)('on %s', (device) => {
  const options = (name: string, changes: Partial<RunnerOptions>): RunnerOptions =>
    toyOptions(join(folder.path, device, name), {
      device,
      plugins: [`@engine/backend-${device}`],
      model: { type: Layouts } as never,
      trainDataloader: {
        batchSize: 2,
        collateFn: 'defaultCollate',
        sampler: { type: 'DefaultSampler', shuffle: true },
        dataset: new Images(),
      } as never,
      trainCfg: { maxEpochs: 2 },
      optimWrapper: { optimizer: { type: 'AdamW', lr: 0.01 } },
      customHooks: [{ type: 'EMAHook', momentum: 0.3 }],
      ...changes,
    });

  it('a save in the background, in the order of the device, is the one at once, and resumes', async () => {
    const seen: boolean[] = [];
    const watch = {
      priority: 'LOWEST' as const,
      // What hooks look at is in order, however it lies in memory.
      beforeSaveCheckpoint: (run: Run, { checkpoint }: { checkpoint: { optimWrapper?: unknown } }) => {
        const { tensors } = checkpoint.optimWrapper as { tensors: Record<string, { data: Float32Array }> };
        for (const [name, tensor] of Object.entries(run.optimWrapper.stateDict().tensors))
          seen.push(tf.util.arraysEqual([...tensors[name]!.data], [...tensor.dataSync()]));
      },
    };
    const folders: string[] = [];
    for (const asyncSave of [false, true]) {
      const checkpoint = { type: 'CheckpointHook', every: '2it', asyncSave } as never;
      const hooks = [{ type: 'EMAHook', momentum: 0.3 }, watch] as never;
      const runner = await trained(
        options(`async-${asyncSave}`, { defaultHooks: { checkpoint }, customHooks: hooks }),
      );
      folders.push(runner.checkpoints.newest!);
    }
    const [atOnce, background] = await Promise.all(folders.map((path) => readCheckpoint(path)));
    expect(background!.model).toEqual(atOnce!.model);
    expect(background!.optimWrapper).toEqual(atOnce!.optimWrapper);
    expect(background!.extra).toEqual(atOnce!.extra);
    expect(atOnce!.model['wide.weight']!.shape).toEqual([10, 24, 3, 2]);
    expect(new Set(seen)).toEqual(new Set([true]));

    const straight = await trained(options('straight', { trainCfg: { maxEpochs: 3 } }));
    const resumed = await trained(options('async-true', { trainCfg: { maxEpochs: 3 }, resume: true }));
    const values = (run: Run): number[] =>
      Object.values(run.model.stateDict()).flatMap((variable) => [...variable.dataSync()]);
    expect(resumed.iter).toBe(6);
    expect(values(resumed)).toEqual(values(straight));
  });

  it('the first save in the background finds memory for all that it takes, averages too', async () => {
    const needed: number[] = [];
    const had: number[] = [];
    const watch = {
      priority: 'LOWEST' as const,
      beforeSaveCheckpoint: (_run: Run, { checkpoint }: { checkpoint: CheckpointContent }) => {
        const groups = [
          checkpoint.model,
          checkpoint.optimWrapper!.tensors,
          ...Object.values(checkpoint.extra!),
        ];
        const arrays = groups.flatMap((group) => Object.values(group));
        const buffers = new Set(
          arrays.map((array) => ('stored' in array ? (array.stored as Float32Array) : array.data).buffer),
        );
        needed.push(buffers.size);
        had.push(Object.keys(checkpoint.extra!).length);
      },
    };
    const checkpoint = { type: 'CheckpointHook', every: '2it', asyncSave: true } as never;
    const hooks = [{ type: 'EMAHook', momentum: 0.3 }, watch] as never;
    await trained(options('first', { defaultHooks: { checkpoint }, customHooks: hooks }));
    expect(had).toEqual([1, 1]);
    expect(needed).toEqual([1, 1]);
  });
});

/** Above the size from which on a save that training waits for goes through threads. */
class Large extends BaseModel {
  linear = new Linear({ inFeatures: 2, outFeatures: 1 });
  table = new Linear({ inFeatures: 1200, outFeatures: 1200 });

  override forward(inputs: Tensor, targets: Tensor, mode: 'loss' | 'predict' | 'tensor' = 'tensor') {
    const out = this.linear.forward(inputs as never);
    const whole = tf.mul(tf.mean(tf.square(this.table.weight)), 0.1);
    return mode === 'loss' ? { loss: tf.add(tf.mean(tf.squaredDifference(out, targets)), whole) } : out;
  }
}

describe('a large checkpoint', () => {
  const options = (changes: Partial<RunnerOptions>): RunnerOptions =>
    toyOptions(join(folder.path, 'large'), {
      device: 'wasm',
      plugins: ['@engine/backend-wasm'],
      model: { type: Large } as never,
      trainCfg: { maxEpochs: 1 },
      optimWrapper: { optimizer: { type: 'AdamW', lr: 0.01 } },
      defaultHooks: { checkpoint: { type: 'CheckpointHook', every: '2it', maxKeepCkpts: 1 } },
      ...changes,
    });

  it('that training waits for is written by two threads, holds the state, and resumes', async () => {
    const runner = await trained(options({}));
    const { model, optimWrapper } = await readCheckpoint(runner.checkpoints.newest!);
    const table = toTorchLayout(toHostArray(runner.model.stateDict()['table.weight']!), 'IO');
    expect(digest(model['table.weight']!)).toBe(digest(table));
    const { tensors } = runner.optimWrapper.stateDict();
    expect(Object.keys(optimWrapper!.tensors)).toEqual(expect.arrayContaining(Object.keys(tensors)));
    for (const [name, tensor] of Object.entries(tensors))
      expect(digest(optimWrapper!.tensors[name]!)).toBe(digest(toHostArray(tensor)));
    expect(readdirSync(runner.directory.checkpoints).sort()).toEqual(['last', 'step_000004']);
    const longer = await trained(options({ trainCfg: { maxEpochs: 2 }, resume: true }));
    expect(longer.iter).toBe(8);
  });

  it('that cannot be written leaves nothing behind and says why', async () => {
    const broken = {
      beforeSaveCheckpoint: (_run: Run, { checkpoint }: { checkpoint: CheckpointContent }) => {
        checkpoint.optimWrapper!.tensors['__metadata__'] = checkpoint.model['linear.weight']!;
      },
    };
    const runner = new Runner(
      options({ workDir: join(folder.path, 'broken'), customHooks: [broken as never] }),
    );
    await expect(runner.train()).rejects.toThrow('E_SAFETENSORS_TENSOR');
    const { checkpoints } = runner.directory;
    expect(existsSync(checkpoints) ? readdirSync(checkpoints) : []).toEqual([]);
  });
});

function digest({ data }: HostArray): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}
