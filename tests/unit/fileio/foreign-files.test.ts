import { readFileSync } from 'node:fs';
import type { HostArray } from '@engine/core';
import {
  load,
  PickleObject,
  put,
  readNpy,
  readNpz,
  readPickle,
  readTorch,
  writeNpy,
  writeNpz,
} from '@engine/fileio';
import { expect, it } from 'vitest';

// Written by torch 1.13 and numpy 1.24 with tests/fixtures/fileio/generate.py.
const fixtures = JSON.parse(
  readFileSync(new URL('../../fixtures/fileio/fixtures.json', import.meta.url), 'utf8'),
) as {
  files: Record<string, string>;
  tensors: Record<string, { shape: number[]; values: (string | number)[] }>;
};

function file(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(fixtures.files[name]!, 'base64'));
}

const DTYPES: Record<string, string> = { half: 'float16' };

function expectTensors(state: Record<string, HostArray>): void {
  expect(Object.keys(state)).toEqual(Object.keys(fixtures.tensors));
  for (const [name, { shape, values }] of Object.entries(fixtures.tensors)) {
    const { dtype, shape: got, data } = state[name]!;
    const isType = /^(u?int|float|bfloat|bool|half)\d*$/.test(name);
    expect(dtype).toBe(isType ? (DTYPES[name] ?? name) : 'float32');
    expect(got).toEqual(shape);
    // Integers were recorded as text, half precisions as signed bit patterns.
    const wanted = values.map((value) => {
      if (typeof value === 'number') return value;
      if (dtype === 'int64') return BigInt(value);
      return dtype.endsWith('float16') ? Number(value) & 0xffff : Number(value);
    });
    expect(Array.from(data as Float64Array)).toEqual(wanted);
  }
}

it.each(['zip', 'legacy'])('reads every element type and view that torch.save wrote (%s)', (name) => {
  expectTensors(readTorch(file(name)) as Record<string, HostArray>);
});

it('reads a checkpoint with a state dict beside other data', () => {
  const { state_dict: state, meta } = readTorch(file('zipState')) as {
    state_dict: Record<string, HostArray>;
    meta: unknown;
  };
  expectTensors(state);
  expect(meta).toEqual({ epoch: 3 });
});

const plain = {
  none: null,
  yes: true,
  int: 3,
  big: 2n ** 80n,
  negative: -129,
  float: 0.1,
  text: 'Straße 東京',
  bytes: Uint8Array.of(0, 255),
  list: [1, [2]],
  tuple: [1, 'a', []],
  set: new Set([3]),
  dict: new Map([[1, 'one']]),
  ordered: { b: 1, a: 2 },
  scalar64: 0.5,
  npint: 7,
  nparray: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) },
  fortran: { dtype: 'float64', shape: [2, 2], data: Float64Array.of(0, 1, 2, 3) },
  bigendian: { dtype: 'int32', shape: [3], data: Int32Array.of(0, 1, 2) },
};

it.each(['plain', 'plainLegacy'])('reads plain Python values and numpy arrays out of %s', (name) => {
  expect(readTorch(file(name))).toEqual({
    ...plain,
    size: [2, 3],
    device: 'cuda:1',
    dtype: 'torch.float16',
  });
});

it.each([0, 1, 2, 3, 4, 5])('reads pickle protocol %i', (protocol) => {
  const seen = readPickle(file(`pickle${protocol}`), { unknown: 'placeholder' }).value as Record<
    string,
    unknown
  >;
  for (const key of Object.keys(plain).filter((name) => !/^(scalar64|np|fortran|bigendian)/.test(name)))
    expect(seen[key], key).toEqual(plain[key as keyof typeof plain]);
});

it('keeps what tensors share', () => {
  const [a, tail, again] = readTorch(file('shared')) as HostArray[];
  expect(again).toBe(a);
  expect(tail!.data.buffer).toBe(a!.data.buffer);
});

it('refuses, by name, what would run code', () => {
  for (const name of ['evil', 'evilLegacy']) {
    expect(() => readTorch(file(name), { file: 'x.pth' })).toThrow(
      /\[E_PICKLE_GLOBAL\][^]*'x\.pth'[^]*'posix\.system'/,
    );
    const held = readTorch(file(name), { unknown: 'placeholder' });
    expect(held).toBeInstanceOf(PickleObject);
    expect((held as PickleObject).args).toEqual(['echo owned']);
  }
});

it('keeps unknown objects as data where asked to', () => {
  expect(() => readTorch(file('namespace'))).toThrow(/argparse\.Namespace/);
  const { args, w } = readTorch(file('namespace'), { unknown: 'placeholder' }) as {
    args: PickleObject;
    w: HostArray;
  };
  expect(args.className).toBe('argparse.Namespace');
  expect(args.state).toEqual({ lr: 0.1 });
  expect(w.data).toEqual(Float32Array.of(1, 1));
});

it('gives no prototype away', () => {
  // {'__proto__': {'polluted': True}}
  const bytes = Buffer.from('\x80\x02}U\x09__proto__}U\x08polluted\x88ss.', 'latin1');
  const value = readPickle(new Uint8Array(bytes)).value as object;
  expect(Object.keys(value)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect('polluted' in {}).toBe(false);
});

it.each(['zip', 'legacy', 'npyFloat', 'npz', 'npzDeflated'])('says that %s is cut short', (name) => {
  const whole = file(name);
  const read = name.startsWith('npyF') ? readNpy : name.startsWith('np') ? readNpz : readTorch;
  for (let length = 0; length < whole.length; length += 37) {
    expect(() => read(whole.subarray(0, length) as never)).toThrow(/\[E_(NPY|ZIP|TORCH|PICKLE)_CORRUPT\]/);
  }
});

it('checks the checksums inside a zip archive', () => {
  const bytes = file('npz');
  bytes[200]! ^= 1;
  expect(() => readNpz(bytes)).toThrow(/E_ZIP_CORRUPT[^]*checksum/);
});

it('reads npy files of every version, order and byte order', () => {
  const array = (name: string): HostArray => readNpy(file(name), `${name}.npy`);
  expect(array('npyFloat')).toEqual({
    dtype: 'float32',
    shape: [1, 3],
    data: Float32Array.of(1.5, 2.5, 3.5),
  });
  expect(array('npyFortran')).toEqual({
    dtype: 'int16',
    shape: [2, 3, 4],
    data: Int16Array.from({ length: 24 }, (_, i) => i),
  });
  expect(array('npyBig')).toEqual({ dtype: 'uint16', shape: [3], data: Uint16Array.of(1, 2, 300) });
  expect(array('npyScalar')).toEqual({ dtype: 'int64', shape: [], data: BigInt64Array.of(7n) });
  expect(array('npyBool')).toEqual({ dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) });
  expect(array('npyHalf').data).toEqual(Uint16Array.of(0x3c00));
  expect(array('npyV2')).toEqual(array('npyV3'));
  for (const name of ['npyText', 'npyRecord', 'npyObject']) expect(() => array(name)).toThrow(/E_NPY_DTYPE/);
});

it('writes npy and npz as numpy does', () => {
  for (const name of ['npyFloat', 'npyBig', 'npyScalar', 'npyBool', 'npyHalf']) {
    const array = readNpy(file(name));
    expect(readNpy(writeNpy(array))).toEqual(array);
    // Byte for byte where numpy's file is little-endian.
    if (name !== 'npyBig') expect(writeNpy(array)).toEqual(file(name));
  }
  const arrays = readNpz(file('npz'));
  expect(Object.keys(arrays)).toEqual(['a', 'b']);
  expect(arrays['a']!.data).toEqual(BigInt64Array.of(0n, 1n, 2n));
  expect(readNpz(file('npzDeflated'))).toEqual(arrays);
  expect(readNpz(writeNpz(arrays))).toEqual(arrays);
  expect(() => writeNpy({ dtype: 'bfloat16', shape: [1], data: Uint16Array.of(1) })).toThrow(/E_NPY_DTYPE/);
});

it('are formats of `load`', async () => {
  await put(file('zipState'), 'memory://m.pth');
  expect(Object.keys((await load('memory://m.pth')) as object)).toEqual(['state_dict', 'meta']);
  await put(file('evil'), 'memory://evil.pt');
  await expect(load('memory://evil.pt')).rejects.toThrow(/memory:\/\/evil\.pt[^]*posix\.system/);
  await put(file('npz'), 'memory://a.npz');
  expect(Object.keys((await load('memory://a.npz')) as object)).toEqual(['a', 'b']);
});
