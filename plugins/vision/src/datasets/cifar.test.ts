import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DATASETS, type EngineError, type HostArray } from '@engine/core';
import { buildDataloader, sampleContext } from '@engine/data';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import '../transforms/index.js';
import { CIFAR10, CIFAR100, hasCifar10 } from './cifar.js';

const REAL =
  process.env['ENGINE_DATA_ROOT'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const hasReal = existsSync(join(REAL, 'cifar-10-batches-bin', 'test_batch.bin'));
if (!hasReal)
  process.stderr.write(
    'CIFAR-10 is not on this machine (ENGINE_DATA_ROOT): tests with real data are skipped.\n',
  );

interface Item {
  img: HostArray;
  gtLabel: number;
  sampleIdx: number;
}

let folder: string;

/** A record whose pixel (y, x) is red y, green x, blue 7. */
function record(labels: number[]): number[] {
  const place = Array.from({ length: 1024 }, (_, i) => i);
  return [...labels, ...place.map((i) => i >> 5), ...place.map((i) => i & 31), ...place.map(() => 7)];
}

function write(path: string, ...records: number[][]): void {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, Uint8Array.from(records.flat()));
}

function thrownBy(run: () => unknown): EngineError {
  try {
    run();
  } catch (error) {
    return error as EngineError;
  }
  throw new Error('nothing was thrown');
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cifar-'));
  write('a/cifar-10-batches-bin/data_batch_1.bin', record([3]), record([9]));
  write('a/cifar-10-batches-bin/data_batch_10.bin', record([1]));
  write('a/cifar-10-batches-bin/data_batch_2.bin', record([5]));
  write('a/cifar-10-batches-bin/test_batch.bin', record([0]));
  writeFileSync(join(folder, 'a/cifar-10-batches-bin/batches.meta.txt'), 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n');
  write('h/cifar-100-binary/train.bin', record([19, 42]));
  write('cut/data_batch_1.bin', record([3]), record([9]).slice(0, 100));
  write('wrong/data_batch_1.bin', record([3]), record([10]));
  write('empty/data_batch_1.bin');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('CIFAR10', () => {
  it('reads whatever batch files are there, in order, as height × width × channels', () => {
    const dataset = new CIFAR10({ dataRoot: join(folder, 'a') });
    const items = Array.from(
      { length: dataset.length },
      (_, i) => dataset.getItem(i, sampleContext(i)) as Item,
    );
    expect(items.map(({ gtLabel }) => gtLabel)).toEqual([3, 9, 5, 1]);
    const { img, sampleIdx } = items[1]!;
    expect([img.dtype, img.shape, sampleIdx]).toEqual(['uint8', [32, 32, 3], 1]);
    expect([...(img.data as Uint8Array).slice((5 * 32 + 20) * 3, (5 * 32 + 20) * 3 + 3)]).toEqual([5, 20, 7]);
    expect(dataset.metainfo['classes']).toEqual([...'abcdefghij']);
    expect(dataset.getCatIds(2)).toEqual([5]);
    expect(new CIFAR10({ dataRoot: join(folder, 'a'), train: false }).length).toBe(1);
    expect(new CIFAR10({ dataRoot: join(folder, 'a/cifar-10-batches-bin') }).length).toBe(4);
    expect(new CIFAR10({ dataRoot: join(folder, 'a'), indices: [3, 0] }).getDataInfo(0)['gtLabel']).toBe(1);
    // Writing into an item does not reach the dataset.
    (img.data as Uint8Array).fill(0);
    expect((dataset.getDataInfo(1)['img'] as HostArray).data[3]).toBe(0);
    expect((dataset.getDataInfo(1)['img'] as HostArray).data[4]).toBe(1);
  });

  it('finds the data by ENGINE_DATA_ROOT', async () => {
    vi.stubEnv('ENGINE_DATA_ROOT', join(folder, 'a'));
    expect(new CIFAR10().length).toBe(4);
    expect(await hasCifar10()).toBe(true);
    vi.stubEnv('ENGINE_DATA_ROOT', join(folder, 'h'));
    expect(new CIFAR100().getDataInfo(0)['gtLabel']).toBe(42);
    expect(await hasCifar10()).toBe(false);
  });

  it('says where it looked when there are no data, and what to do', async () => {
    vi.stubEnv('ENGINE_DATA_ROOT', join(folder, 'nowhere'));
    const error = thrownBy(() => new CIFAR10({ dataRoot: 'elsewhere' }).length);
    expect(error.code).toBe('E_DATA_MISSING');
    for (const place of [
      resolve('elsewhere/cifar-10-batches-bin'),
      join(folder, 'nowhere/elsewhere/cifar-10-batches-bin'),
    ]) {
      expect(error.message).toContain(place);
    }
    expect(error.message).toContain('ENGINE_DATA_ROOT');
    expect(error.message).toContain('cifar-10-binary.tar.gz');
    expect(error.exitCode).toBe(2);
    await expect(
      CIFAR10.prepare({ dataRoot: join(folder, 'nowhere'), download: false }),
    ).rejects.toMatchObject({ code: 'E_DATA_MISSING' });
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  it('rejects damaged files, with the bytes expected and found', () => {
    const cut = thrownBy(() => new CIFAR10({ dataRoot: join(folder, 'cut') }).length);
    expect(cut.code).toBe('E_DATA_CORRUPT');
    expect(cut.message).toMatch(
      /data_batch_1\.bin is truncated[^]*received {2}3173 bytes\n {2}expected {2}6146 bytes/,
    );
    expect(thrownBy(() => new CIFAR10({ dataRoot: join(folder, 'wrong') }).length).message).toMatch(
      /wrong label in record 1[^]*received {2}10/,
    );
    expect(thrownBy(() => new CIFAR10({ dataRoot: join(folder, 'empty') }).length).message).toMatch(
      /0 bytes[^]*3073 bytes/,
    );
  });

  it('checks its options', () => {
    expect(() => DATASETS.build({ type: 'vision.CIFAR10', dataRot: 'x' })).toThrow(
      /CIFAR10 has no option 'dataRot'[^]*did you mean 'dataRoot'/,
    );
  });

  it('gives the same batches from worker threads, which do not load the data again', async () => {
    const of = (numWorkers: number) =>
      buildDataloader(
        {
          dataset: {
            type: 'vision.CIFAR10',
            dataRoot: join(folder, 'a'),
            indices: [0, 1, 2],
            pipeline: [
              { type: 'RandomCrop', size: 32, padding: 4 },
              { type: 'RandomFlip' },
              { type: 'PackInputs' },
            ],
          },
          batchSize: 2,
          shuffle: true,
          numWorkers,
          collateFn: 'defaultCollate',
        },
        { seed: 5 },
      );
    const here: unknown[] = [];
    for await (const batch of of(0)) here.push(batch);
    expect((here[0] as { inputs: HostArray }).inputs.shape).toEqual([2, 32, 32, 3]);
    const loader = of(1);
    const file = join(folder, 'a/cifar-10-batches-bin/data_batch_1.bin');
    const bytes = new Uint8Array(readFileSync(file));
    // Whoever reads it now reads other pixels.
    writeFileSync(
      file,
      bytes.map((byte, i) => (i % 3073 ? 255 - byte : byte)),
    );
    const there: unknown[] = [];
    for await (const batch of loader) there.push(batch);
    await loader.close();
    writeFileSync(file, bytes);
    expect(there).toEqual(here);
  });

  it.skipIf(!hasReal)('reads the real data', () => {
    const dataset = new CIFAR10({ dataRoot: REAL });
    expect(dataset.length % 10_000).toBe(0);
    expect(dataset.metainfo['classes']).toContain('airplane');
    const raw = readFileSync(join(REAL, 'cifar-10-batches-bin', 'data_batch_1.bin'));
    for (const index of [0, 17, 9999]) {
      const { gtLabel, img } = dataset.getDataInfo(index) as unknown as Item;
      const start = index * 3073;
      expect(gtLabel).toBe(raw[start]);
      for (const pixel of [0, 31, 500, 1023]) {
        const colours = [0, 1, 2].map((plane) => raw[start + 1 + plane * 1024 + pixel]!);
        expect([...(img.data as Uint8Array).slice(3 * pixel, 3 * pixel + 3)]).toEqual(colours);
      }
    }
    // Mean of the red channel over CIFAR-10's training images is 125.3.
    let sum = 0;
    for (let i = 0; i < 500; i++) {
      const { data } = (dataset.getDataInfo(i * 20) as unknown as Item).img;
      for (let p = 0; p < data.length; p += 3) sum += Number(data[p]);
    }
    expect(Math.abs(sum / (500 * 1024) - 125.3)).toBeLessThan(5);
  });
});
