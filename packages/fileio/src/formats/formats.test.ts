import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostArray } from '@engine/core';
import { tempFolder } from '@engine/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  clearFileBackends,
  dictFromFile,
  dump,
  dumpTo,
  fileFormat,
  getText,
  listFromFile,
  load,
  putText,
  registerFileFormat,
  toJson,
  toPlainValue,
  toPythonJson,
} from '../index.js';

afterEach(clearFileBackends);

/** Plain data as a config or a result may hold it. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x)),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
})).value;

describe('load and dump', () => {
  it.each(['json', 'yaml', 'yml'])('give back plain data through .%s', async (extension) => {
    await fc.assert(
      fc.asyncProperty(plain, async (value) => {
        const file = `memory://x.${extension}`;
        await dump(value, file);
        expect(await load(file)).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });

  it('go by the extension, by `format` before that, in any case', async () => {
    const dir = await tempFolder();
    await dump({ a: 1 }, join(dir, 'x.JSON'));
    expect(await load(join(dir, 'x.JSON'))).toEqual({ a: 1 });
    await dump({ a: 1 }, join(dir, 'noextension'), { format: 'yaml' });
    expect(await getText(join(dir, 'noextension'))).toBe('a: 1\n');
    await dump('a\nb', join(dir, 'x.txt'));
    expect(await load(join(dir, 'x.txt'))).toBe('a\nb');
  });

  it('give back host arrays through .safetensors', async () => {
    const arrays = {
      w: hostArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
      n: hostArray(Int32Array.of(7), []),
    };
    await dump(arrays, 'memory://x.safetensors');
    expect(await load('memory://x.safetensors')).toEqual(arrays);
  });

  it('have house errors', async () => {
    const dir = await tempFolder();
    await writeFile(join(dir, 'bad.json'), '{"a": ');
    await writeFile(join(dir, 'bad.yaml'), 'a: [1,\nb: 2');
    await expect(load(join(dir, 'bad.json'))).rejects.toThrow(/\[E_FORMAT_PARSE\] '.*bad\.json' is not JSON/);
    await expect(load(join(dir, 'bad.yaml'))).rejects.toThrow(/\[E_FORMAT_PARSE\] '.*bad\.yaml' is not YAML/);
    await expect(load(join(dir, 'none.json'))).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' });
    await expect(load(join(dir, 'x.jsn'))).rejects.toThrow(/E_FORMAT_UNKNOWN[^]*did you mean 'json'/);
    await expect(dump({ f: () => 1 }, 'memory://x.json')).rejects.toThrow(
      /E_FORMAT_VALUE[^]*f = f \(function\)/,
    );
    await expect(dump({}, 'memory://x.txt')).rejects.toMatchObject({ code: 'E_FORMAT_VALUE' });
    await expect(dump({ a: 1 }, 'memory://x.safetensors')).rejects.toMatchObject({ code: 'E_FORMAT_VALUE' });
  });

  it('know a format that somebody registered', async () => {
    const lines = {
      name: 'lines',
      extensions: ['lines'],
      parse: (text: string) => text.split('\n'),
      stringify: (value: unknown) => (value as string[]).join('\n'),
    };
    registerFileFormat(lines);
    expect(fileFormat('x.lines')).toBe(lines);
    await dump(['a', 'b'], 'memory://x.lines');
    expect(await load('memory://x.lines')).toEqual(['a', 'b']);
    expect(() => {
      registerFileFormat({ ...lines, name: 'mine', extensions: ['json'] });
    }).toThrow(/E_FORMAT_DUPLICATE/);
  });
});

describe('plain values', () => {
  it('are made of sets, maps, dates, typed and host arrays', () => {
    expect(
      toPlainValue({
        set: new Set([1, 'a']),
        map: new Map([['k', new Float32Array([0.5])]]),
        pairs: new Map([[1, 2]]),
        date: new Date(0),
        big: 12n,
        bool: hostArray(Uint8Array.of(1, 0), [2], 'bool'),
        int64: hostArray(BigInt64Array.of(-1n, 2n), [1, 2]),
        cube: hostArray(
          Uint8Array.from({ length: 8 }, (_, i) => i),
          [2, 2, 2],
        ),
        scalar: hostArray(Float64Array.of(0.25), []),
        none: undefined,
        holes: [undefined],
      }),
    ).toEqual({
      set: [1, 'a'],
      map: { k: [0.5] },
      pairs: [[1, 2]],
      date: '1970-01-01T00:00:00.000Z',
      big: 12,
      bool: [true, false],
      int64: [[-1, 2]],
      cube: [
        [
          [0, 1],
          [2, 3],
        ],
        [
          [4, 5],
          [6, 7],
        ],
      ],
      scalar: 0.25,
      holes: [null],
    });
  });

  it('are not made of cycles, class instances, symbols, or integers that would change', () => {
    const cycle: Record<string, unknown> = {};
    cycle['a'] = { b: cycle };
    expect(() => toPlainValue(cycle)).toThrow(/a\.b = '\(a cycle\)'/);
    expect(() => toPlainValue({ e: new Error('x') })).toThrow(/E_FORMAT_VALUE/);
    expect(() => toPlainValue([Symbol('x')])).toThrow(/\[0\] = Symbol\(x\)/);
    expect(() => toPlainValue(2n ** 60n)).toThrow(/E_FORMAT_VALUE/);
    const shared = { a: 1 };
    expect(toPlainValue([shared, shared])).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it('are written to JSON with names for numbers that are not finite', () => {
    expect(toJson([NaN, Infinity, -Infinity, 1])).toBe('["NaN","Infinity","-Infinity",1]');
    expect(toJson({ a: 1 }, 2)).toBe('{\n  "a": 1\n}');
  });

  it('are written as Python writes them', () => {
    expect(toPythonJson({ map: 0.7, acc: 0.9, step: 0 })).toBe('{"map": 0.7, "acc": 0.9, "step": 0}');
    expect(toPythonJson([1, { a: [] }, null, 'x, y: z'])).toBe('[1, {"a": []}, null, "x, y: z"]');
  });

  it('keep their JSON meaning with those separators', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(JSON.parse(toPythonJson(value))).toEqual(value);
      }),
    );
  });

  it('become text of a format by name', () => {
    expect(dumpTo('yaml', { a: NaN })).toBe('a: .nan\n');
  });
});

describe('text files', () => {
  it('are read as lists of lines', async () => {
    await putText('a\r\nb\nc\n', 'memory://lines.txt');
    expect(await listFromFile('memory://lines.txt')).toEqual(['a', 'b', 'c']);
    expect(await listFromFile('memory://lines.txt', { prefix: 'p/', offset: 1, maxNum: 1 })).toEqual(['p/b']);
  });

  it('are read as dictionaries', async () => {
    await putText('cat 1\ndog 2 3\n', 'memory://map.txt');
    expect(await dictFromFile('memory://map.txt')).toEqual({ cat: '1', dog: ['2', '3'] });
    await putText('cat 1\ndog\n', 'memory://bad.txt');
    await expect(dictFromFile('memory://bad.txt')).rejects.toThrow(/memory:\/\/bad\.txt:2/);
  });
});
