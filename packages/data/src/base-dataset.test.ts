import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATASETS, type EngineError } from '@engine/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BaseDataset, type BaseDatasetOptions } from './base-dataset.js';
import type { DataInfo } from './item-store.js';
import { sampleContext } from './sample-context.js';

let folder: string;
const ANNOTATIONS = {
  metainfo: { datasetType: 'test', task: 'from file' },
  data_list: [
    { imgPath: 'a.jpg', label: 0 },
    { imgPath: 'b.jpg', label: 1 },
    { imgPath: 'c.jpg', label: 2 },
  ],
};

function put(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'base-dataset-'));
  put('ann.json', ANNOTATIONS);
  put('ann.yaml', 'metainfo: {task: yaml}\ndata_list:\n  - {imgPath: a.jpg}\n');
  put('classes.txt', 'cat\ndog\n');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

class Toy extends BaseDataset {
  static override METAINFO = { classes: ['x', 'y'], task: 'from class' };
}

function toy(options: BaseDatasetOptions = {}): Toy {
  return new Toy({ dataRoot: folder, annFile: 'ann.json', ...options });
}

function thrownBy(run: () => unknown): EngineError {
  try {
    run();
  } catch (error) {
    return error as EngineError;
  }
  throw new Error('nothing was thrown');
}

describe('BaseDataset', () => {
  it('reads annotations and puts root and prefix before paths', () => {
    const dataset = toy({ dataPrefix: { imgPath: 'img' } });
    expect(dataset.length).toBe(3);
    expect(dataset.getDataInfo(1)).toEqual({ imgPath: join(folder, 'img', 'b.jpg'), label: 1, sampleIdx: 1 });
    expect(toy({ dataPrefix: { imgPath: '/abs' } }).getDataInfo(0)['imgPath']).toBe('/abs/a.jpg');
    expect(toy({ dataPrefix: { imgPath: 's3://bucket/x' } }).getDataInfo(0)['imgPath']).toBe(
      's3://bucket/x/a.jpg',
    );
    expect(toy({ annFile: 'ann.yaml' }).getDataInfo(0)['imgPath']).toBe(join(folder, 'a.jpg'));
  });

  it('counts from the end for negative indices, the first one included', () => {
    for (const serializeData of [true, false]) {
      const dataset = toy({ serializeData });
      expect(dataset.getDataInfo(-3)).toMatchObject({ label: 0, sampleIdx: 0 });
      expect(dataset.getDataInfo(-1)).toMatchObject({ label: 2, sampleIdx: 2 });
      expect(thrownBy(() => dataset.getDataInfo(3)).message).toContain('an index from -3 to 2');
    }
  });

  it('hands out copies', () => {
    for (const serializeData of [true, false]) {
      const dataset = toy({ serializeData });
      dataset.getDataInfo(0)['label'] = 99;
      expect(dataset.getDataInfo(0)['label']).toBe(0);
      (dataset.metainfo['classes'] as string[]).push('z');
      expect(dataset.metainfo['classes']).toEqual(['x', 'y']);
    }
  });

  it('prefers facts of the options to those of the class, and these to those of the file', () => {
    expect(toy().metainfo).toEqual({ datasetType: 'test', classes: ['x', 'y'], task: 'from class' });
    const own = toy({ metainfo: { task: 'mine', classes: join(folder, 'classes.txt') } });
    expect(own.metainfo).toEqual({ datasetType: 'test', task: 'mine', classes: ['cat', 'dog'] });
    expect(Toy.METAINFO).toEqual({ classes: ['x', 'y'], task: 'from class' });
    expect(() => toy({ metainfo: 5 as never })).toThrow(/Toy\.metainfo = 5/);
  });

  it('reads nothing before it is asked to when lazy', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const dataset = toy({ lazyInit: true });
    expect(dataset.metainfo).not.toHaveProperty('datasetType');
    expect(dataset.fullyInitialized).toBe(false);
    expect(warnings).not.toHaveBeenCalled();
    expect(dataset.length).toBe(3);
    expect(warnings).toHaveBeenCalledOnce();
    expect(dataset.metainfo).toHaveProperty('datasetType', 'test');
    warnings.mockRestore();
  });

  describe.each([
    { lazyInit: false, serializeData: true },
    { lazyInit: false, serializeData: false },
    { lazyInit: true, serializeData: true },
    { lazyInit: true, serializeData: false },
  ])('subsets with %o', (options) => {
    const cases: [number | number[], number[]][] = [
      [2, [0, 1]],
      [-2, [1, 2]],
      [0, []],
      [[1], [1]],
      [[-1], [2]],
      [[], []],
      [
        [-1, -2, 0],
        [2, 1, 0],
      ],
      [7, [0, 1, 2]],
    ];

    it.each(cases)('takes %j', (indices, labels) => {
      vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      const dataset = toy(options);
      const subset = dataset.getSubset(indices);
      const seen = (of: BaseDataset): unknown[] =>
        Array.from({ length: of.length }, (_, i) => of.getDataInfo(i));
      const expected = labels.map((label, i) => expect.objectContaining({ label, sampleIdx: i }) as unknown);
      expect(seen(subset)).toEqual(expected);
      expect(subset).toBeInstanceOf(Toy);
      expect(dataset.length).toBe(3);
      expect(seen(toy({ ...options, indices }))).toEqual(expected);
      dataset.getSubset_(indices);
      expect(seen(dataset)).toEqual(expected);
      vi.restoreAllMocks();
    });

    it('rejects other kinds of indices', () => {
      vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      const dataset = toy(options);
      expect(thrownBy(() => dataset.getSubset('1' as never)).code).toBe('E_CONFIG_VALUE');
      expect(thrownBy(() => dataset.getSubset([0.5])).code).toBe('E_CONFIG_VALUE');
      expect(thrownBy(() => dataset.getSubset([3])).code).toBe('E_DATA_INDEX');
      vi.restoreAllMocks();
    });
  });

  it('shares its items with a copy in another thread', () => {
    for (const serializeData of [true, false]) {
      const state = toy({ serializeData }).getSubset([2, 0]).exportShared();
      const copy = new Toy({ annFile: 'not-there.json', serializeData });
      copy.importShared(structuredClone(state));
      expect(copy.length).toBe(2);
      expect(copy.getDataInfo(0)['label']).toBe(2);
      expect(copy.metainfo).toHaveProperty('datasetType', 'test');
    }
  });

  it('says what is wrong with annotations', () => {
    const code = (name: string, content: unknown): string => {
      put(name, content);
      return thrownBy(() => toy({ annFile: name }).fullInit()).code;
    };
    expect(code('list.json', [1])).toBe('E_DATA_ANNOTATION');
    expect(code('keys.json', { metainfo: {} })).toBe('E_DATA_ANNOTATION');
    expect(code('syntax.json', '{ "metainfo": ')).toBe('E_DATA_ANNOTATION');
    expect(code('nopath.json', { metainfo: {}, data_list: [{ label: 1 }] })).toBe('E_DATA_ANNOTATION');
    expect(code('scalar.json', { metainfo: {}, data_list: [3] })).toBe('E_DATA_ANNOTATION');
    expect(code('unknown.xyz', '')).toBe('E_FORMAT_UNKNOWN');
    const missing = thrownBy(() => toy({ annFile: 'missing.json' }).fullInit());
    expect(missing.code).toBe('E_DATA_MISSING');
    expect(missing.message).toContain(join(folder, 'missing.json'));
    expect(missing.message).toContain('ENGINE_DATA_ROOT is not set');
    expect(thrownBy(() => new BaseDataset().length).message).toContain('BaseDataset has no annotation file');
  });

  it('finds a relative root below ENGINE_DATA_ROOT', () => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    put('sub/ann.json', ANNOTATIONS);
    vi.stubEnv('ENGINE_DATA_ROOT', folder);
    const dataset = new Toy({ dataRoot: 'sub', annFile: 'ann.json' });
    expect(dataset.getDataInfo(0)['imgPath']).toBe(join(folder, 'sub', 'a.jpg'));
  });

  it('lets subclasses parse an entry into several, filter, and use their own fields', () => {
    class Pairs extends BaseDataset {
      private readonly factor = 10;
      protected override parseDataInfo(raw: unknown): DataInfo[] {
        const { label } = raw as { label: number };
        return [{ label }, { label: label * this.factor }];
      }
      protected override filterData(list: DataInfo[]): DataInfo[] {
        return list.filter(({ label }) => (label as number) > 0);
      }
    }
    const dataset = new Pairs({ dataRoot: folder, annFile: 'ann.json' });
    expect(Array.from({ length: dataset.length }, (_, i) => dataset.getDataInfo(i)['label'])).toEqual([
      1, 10, 2, 20,
    ]);
    class Bad extends BaseDataset {
      protected override parseDataInfo(): never {
        return 'x' as never;
      }
    }
    expect(thrownBy(() => new Bad({ dataRoot: folder, annFile: 'ann.json' }).length).code).toBe(
      'E_DATA_ANNOTATION',
    );
    expect(thrownBy(() => dataset.getCatIds(0)).code).toBe('E_DATA_NO_CLASSES');
  });

  it('replaces what the pipeline drops, by the stream of the sample', async () => {
    const onlyTwo = (info: DataInfo): DataInfo | null => (info['label'] === 2 ? info : null);
    const dataset = toy({ pipeline: [onlyTwo] });
    expect(dataset.getItem(0, sampleContext(0))).toMatchObject({ label: 2, sampleIdx: 2 });
    const later = toy({ pipeline: [(info: DataInfo) => Promise.resolve(onlyTwo(info))] });
    expect(await later.getItem(0, sampleContext(0))).toMatchObject({ label: 2 });
    const seen: unknown[] = [];
    const trace = toy({ maxRefetch: 5, pipeline: [(info: DataInfo) => void seen.push(info['sampleIdx'])] });
    expect(thrownBy(() => trace.getItem(1, sampleContext(1, { seed: 4 }))).code).toBe('E_DATA_EMPTY');
    expect(seen).toHaveLength(6);
    const before = seen.splice(0);
    expect(() => trace.getItem(1, sampleContext(1, { seed: 4 }))).toThrow(/dropped sample 1 and 5 others/);
    expect(seen).toEqual(before);
    const testing = toy({ testMode: true, pipeline: [() => null] });
    expect(() => testing.getItem(1)).toThrow(/dropped sample 1, which testMode does not allow/);
  });

  it('is built from a config, with its options checked', () => {
    const config = { type: 'BaseDataset', dataRoot: folder, annFile: 'ann.json' } as const;
    expect(DATASETS.build<BaseDataset>(config).length).toBe(3);
    expect(() => DATASETS.build({ ...config, anFile: 'x' } as never)).toThrow(/did you mean 'annFile'\?/);
    expect(() => DATASETS.build({ ...config, dataPrefix: { imgPath: 5 } } as never)).toThrow(
      /dataPrefix\.imgPath/,
    );
  });
});
