import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BYTES_PER_ELEMENT, hostArray, sizeOf, type HostArray, type HostDType } from '@engine/core';
import { goldenPath, readGoldenTensors, tempFolder } from '@engine/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  atomicWrite,
  layoutSafetensors,
  readSafetensors,
  readSafetensorsHeader,
  streamSafetensors,
  writeSafetensors,
} from '../index.js';
import { CONTAINERS, SAFETENSORS_DTYPES } from './dtypes.js';

function join8(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}

/** A file made by hand, independent of the writer. */
function file(header: unknown, data: readonly number[] = [], padding = ''): Uint8Array {
  const json = (typeof header === 'string' ? header : JSON.stringify(header)) + padding;
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(new TextEncoder().encode(json), 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const dtypes = Object.keys(SAFETENSORS_DTYPES) as HostDType[];

const tensor: fc.Arbitrary<HostArray> = fc
  .tuple(
    fc.constantFrom(...dtypes),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fc.infiniteStream(fc.nat(255)),
  )
  .map(([dtype, shape, random]) => {
    const bytes = Uint8Array.from(
      { length: sizeOf(shape) * BYTES_PER_ELEMENT[dtype] },
      () => random.next().value as number,
    );
    if (dtype === 'bool') for (let i = 0; i < bytes.length; i++) bytes[i]! &= 1;
    return { dtype, shape, data: new CONTAINERS[dtype](bytes.buffer, 0, sizeOf(shape)) };
  });

const tensors = fc.dictionary(
  fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
  tensor,
  { maxKeys: 6 },
);
const metadata = fc.option(fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), { nil: undefined });

const bytesOf = ({ data }: HostArray): number[] => [
  ...new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
];

describe('safetensors', () => {
  it('gives back every dtype and shape bit by bit, from any offset, copied or not', () => {
    fc.assert(
      fc.property(tensors, metadata, fc.nat(9), fc.boolean(), (given, meta, offset, copy) => {
        const pieces = join8(writeSafetensors(given, meta));
        const shifted = new Uint8Array(offset + pieces.byteLength);
        shifted.set(pieces, offset);
        const read = readSafetensors(shifted.subarray(offset), { copy });
        expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(given).sort());
        expect(read.metadata).toEqual(meta ?? {});
        for (const [name, expected] of Object.entries(given)) {
          const found = read.tensors[name]!;
          expect([found.dtype, found.shape, found.data.constructor]).toEqual([
            expected.dtype,
            expected.shape,
            expected.data.constructor,
          ]);
          expect(bytesOf(found)).toEqual(bytesOf(expected));
        }
      }),
    );
  });

  it('aligns every tensor to its element size and pads the header to 8 bytes', () => {
    fc.assert(
      fc.property(tensors, metadata, (given, meta) => {
        const bytes = join8(writeSafetensors(given, meta));
        const { entries, dataStart } = readSafetensorsHeader(bytes);
        expect(dataStart % 8).toBe(0);
        for (const entry of entries.values()) expect(entry.begin % BYTES_PER_ELEMENT[entry.dtype]).toBe(0);
        expect(layoutSafetensors(given, meta).bytes).toBe(bytes.byteLength);
      }),
    );
  });

  it('copies neither when writing nor, where aligned, when reading', () => {
    const data = Float32Array.of(1, 2, 3);
    const pieces = writeSafetensors({ a: hostArray(data, [3]) });
    expect(pieces[1]!.buffer).toBe(data.buffer);
    const bytes = join8(pieces);
    expect(readSafetensors(bytes).tensors['a']!.data.buffer).toBe(bytes.buffer);
    expect(readSafetensors(bytes, { copy: true }).tensors['a']!.data.buffer).not.toBe(bytes.buffer);
  });

  it('writes only the view of a larger buffer', () => {
    const whole = Float32Array.of(0, 1, 2, 3);
    const bytes = join8(writeSafetensors({ a: hostArray(whole.subarray(1, 3), [2]) }));
    expect([...readSafetensors(bytes).tensors['a']!.data]).toEqual([1, 2]);
  });

  it('is the file that the format describes, byte by byte', () => {
    const bytes = join8(
      writeSafetensors(
        { b: hostArray(Uint8Array.of(9), [1]), a: hostArray(Int16Array.of(258), []) },
        { k: 'v' },
      ),
    );
    const json =
      '{"__metadata__":{"k":"v"},"a":{"dtype":"I16","shape":[],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
    expect([...bytes]).toEqual([
      padded.length,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...new TextEncoder().encode(padded),
      2,
      1,
      9,
    ]);
  });

  it('can be streamed to a file, each tensor read when its turn comes', async () => {
    const given = { b: hostArray(Float32Array.of(1, 2), [2]), a: hostArray(Float64Array.of(3), [1]) };
    const asked: string[] = [];
    const read = (name: string): Promise<Float32Array | Float64Array> => {
      asked.push(name);
      return Promise.resolve(given[name as keyof typeof given].data as Float32Array);
    };
    const path = join(await tempFolder(), 'x.safetensors');
    const { bytes } = await atomicWrite(path, streamSafetensors(given, read, { k: 'v' }));
    expect(bytes).toBe(layoutSafetensors(given, { k: 'v' }).bytes);
    expect(asked).toEqual(['a', 'b']);
  });

  it('keeps names that mean something to JavaScript', () => {
    const given = Object.fromEntries([
      ['__proto__', hostArray(Uint8Array.of(1), [1])],
      ['constructor', hostArray(Uint8Array.of(2), [1])],
    ]);
    const read = readSafetensors(join8(writeSafetensors(given)));
    expect(Object.keys(read.tensors).sort()).toEqual(['__proto__', 'constructor']);
  });

  it('reads files made by the reference implementation', () => {
    const { tensors: golden } = readGoldenTensors('layers.safetensors');
    expect(Object.keys(golden).length).toBeGreaterThan(10);
    for (const { shape, data } of Object.values(golden)) expect(data.length).toBe(sizeOf(shape));
  });
});

describe('a damaged safetensors file', () => {
  const entry = (shape: number[], offsets: number[], dtype = 'U8'): object => ({
    dtype,
    shape,
    data_offsets: offsets,
  });
  const cases: [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(), 'E_SAFETENSORS_TRUNCATED'],
    ['half a length', new Uint8Array(7), 'E_SAFETENSORS_TRUNCATED'],
    ['a length beyond the end', file({}).subarray(0, 9), 'E_SAFETENSORS_TRUNCATED'],
    ['an absurd length', new Uint8Array(16).fill(255), 'E_SAFETENSORS_HEADER'],
    ['no JSON', file('{"a":'), 'E_SAFETENSORS_HEADER'],
    ['a list', file('[]'), 'E_SAFETENSORS_HEADER'],
    ['a blank before the JSON', file(' {}'), 'E_SAFETENSORS_HEADER'],
    ['an entry that is no object', file({ a: 1 }), 'E_SAFETENSORS_HEADER'],
    ['a null entry', file({ a: null }), 'E_SAFETENSORS_HEADER'],
    ['a negative size', file({ a: entry([-1], [0, 1]) }, [0]), 'E_SAFETENSORS_HEADER'],
    ['a fractional size', file({ a: entry([0.5], [0, 1]) }, [0]), 'E_SAFETENSORS_HEADER'],
    ['three offsets', file({ a: entry([1], [0, 1, 2]) }, [0]), 'E_SAFETENSORS_HEADER'],
    ['metadata that are numbers', file({ __metadata__: { a: 1 } }), 'E_SAFETENSORS_HEADER'],
    ['an unknown dtype', file({ a: entry([1], [0, 1], 'F8_E5M2') }, [0]), 'E_SAFETENSORS_DTYPE'],
    ['a place that does not fit', file({ a: entry([2], [0, 1]) }, [0]), 'E_SAFETENSORS_OFFSETS'],
    ['a place that ends before it begins', file({ a: entry([1], [1, 0]) }, [0]), 'E_SAFETENSORS_OFFSETS'],
    ['overlap', file({ a: entry([2], [0, 2]), b: entry([2], [1, 3]) }, [0, 0, 0]), 'E_SAFETENSORS_OFFSETS'],
    ['a hole', file({ a: entry([1], [0, 1]), b: entry([1], [2, 3]) }, [0, 0, 0]), 'E_SAFETENSORS_OFFSETS'],
    ['a hole at the start', file({ a: entry([1], [1, 2]) }, [0, 0]), 'E_SAFETENSORS_OFFSETS'],
    ['bytes after the end', file({ a: entry([1], [0, 1]) }, [0, 0]), 'E_SAFETENSORS_OFFSETS'],
    ['data that end early', file({ a: entry([4], [0, 4]) }, [0, 0]), 'E_SAFETENSORS_TRUNCATED'],
  ];

  it.each(cases)('with %s has a house error that names the file', (_, bytes, code) => {
    expect(() => readSafetensors(bytes, { file: 'x.safetensors' })).toThrow(
      new RegExp(`^\\[${code}\\][^]*'x\\.safetensors'`),
    );
  });

  it('cut anywhere has a house error', () => {
    const bytes = join8(
      writeSafetensors({ a: hostArray(Float32Array.of(1, 2), [2]), b: hostArray(Uint8Array.of(3), [1]) }),
    );
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readSafetensors(bytes.subarray(0, length)), String(length)).toThrow(/E_SAFETENSORS_/);
    }
  });

  it('with a flipped bit in the header is read as valid or has a house error, never another one', () => {
    const bytes = join8(
      writeSafetensors({ a: hostArray(Float32Array.of(1, 2), [2]), b: hostArray(Uint8Array.of(3), [1]) }),
    );
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const damaged = bytes.slice();
        damaged[at]! ^= 1 << bit;
        try {
          readSafetensors(damaged);
        } catch (error) {
          expect(String(error)).toMatch(/E_SAFETENSORS_/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is not written in the first place', () => {
    const one = hostArray(Uint8Array.of(1), [1]);
    expect(() => writeSafetensors({ __metadata__: one })).toThrow(/E_SAFETENSORS_TENSOR/);
    expect(() => writeSafetensors({ a: { ...one, shape: [2] } })).toThrow(
      /E_SAFETENSORS_TENSOR[^]*2 bytes for uint8 \[2\]/,
    );
    expect(() => writeSafetensors({ a: { ...one, dtype: 'complex64' as HostDType } })).toThrow(
      /E_SAFETENSORS_TENSOR/,
    );
    expect(() => writeSafetensors({ a: one }, { n: 1 as unknown as string })).toThrow(
      /E_SAFETENSORS_METADATA[^]*metadata\.n = 1/,
    );
  });
});

/** The checks of the reference implementation (safetensors/src/tensor.rs, `validate`) in Python's standard library. */
const PYTHON_READER = `
import json, struct, sys
SIZES = dict(BOOL=1, U8=1, I8=1, U16=2, I16=2, F16=2, BF16=2, U32=4, I32=4, F32=4, U64=8, I64=8, F64=8)
CODES = dict(BOOL='?', U8='B', I8='b', U16='H', I16='h', F16='e', U32='I', I32='i', F32='f', U64='Q', I64='q', F64='d')
def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), 'duplicate key'
    return dict(pairs)
raw = open(sys.argv[1], 'rb').read()
length, = struct.unpack('<Q', raw[:8])
assert length <= 100_000_000 and length % 8 == 0 and 8 + length <= len(raw)
text = raw[8:8 + length]
assert text[:1] == b'{'
header = json.loads(text.decode('utf-8'), object_pairs_hook=no_duplicates)
metadata = header.pop('__metadata__', {})
assert all(isinstance(v, str) for v in metadata.values())
data = raw[8 + length:]
at, out = 0, {}
for name, entry in sorted(header.items(), key=lambda item: item[1]['data_offsets']):
    assert set(entry) == {'dtype', 'shape', 'data_offsets'}
    begin, end = entry['data_offsets']
    count = 1
    for n in entry['shape']: count *= n
    assert begin == at and end - begin == count * SIZES[entry['dtype']], name
    assert begin % SIZES[entry['dtype']] == 0, 'unaligned'
    at = end
    piece = data[begin:end]
    if entry['dtype'] == 'BF16':
        bits = struct.unpack('<%dH' % count, piece)
        values = [struct.unpack('<f', struct.pack('<I', b << 16))[0] for b in bits]
    else:
        values = list(struct.unpack('<%d%s' % (count, CODES[entry['dtype']]), piece))
    out[name] = [entry['dtype'], entry['shape'], [str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in values]]
assert at == len(data)
json.dump([metadata, out], sys.stdout)
`;

const python = spawnSync('python3', ['--version']).status === 0;
const needsPython = python ? it : it.skip;

describe(`safetensors and Python${python ? '' : ' (skipped: no python3 on this machine)'}`, () => {
  needsPython('agree on values of every dtype', async () => {
    const path = join(await tempFolder(), 'x.safetensors');
    const given = {
      bool: hostArray(Uint8Array.of(1, 0), [2], 'bool'),
      uint8: hostArray(Uint8Array.of(255), []),
      int8: hostArray(Int8Array.of(-128), [1]),
      uint16: hostArray(Uint16Array.of(65535), [1]),
      int16: hostArray(Int16Array.of(-32768), [1]),
      uint32: hostArray(Uint32Array.of(4294967295), [1]),
      int32: hostArray(Int32Array.of(-2147483648), [1]),
      uint64: hostArray(BigUint64Array.of(2n ** 64n - 1n), [1]),
      int64: hostArray(BigInt64Array.of(-(2n ** 63n)), [1]),
      float16: hostArray(Uint16Array.of(0x3e00, 0xc000), [2], 'float16'),
      bfloat16: hostArray(Uint16Array.of(0x3fc0, 0xc000), [2], 'bfloat16'),
      float32: hostArray(Float32Array.of(0.5, -1.25), [1, 2]),
      float64: hostArray(Float64Array.of(0.1), [1]),
      empty: hostArray(new Float32Array(), [0, 3]),
      'größe.東京': hostArray(Float32Array.of(1), [1]),
    };
    await atomicWrite(path, writeSafetensors(given, { format: 'pt', note: 'é "quoted"' }));
    const result = spawnSync('python3', ['-c', PYTHON_READER, path], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toEqual([
      { format: 'pt', note: 'é "quoted"' },
      {
        bool: ['BOOL', [2], [true, false]],
        uint8: ['U8', [], ['255']],
        int8: ['I8', [1], ['-128']],
        uint16: ['U16', [1], ['65535']],
        int16: ['I16', [1], ['-32768']],
        uint32: ['U32', [1], ['4294967295']],
        int32: ['I32', [1], ['-2147483648']],
        uint64: ['U64', [1], ['18446744073709551615']],
        int64: ['I64', [1], ['-9223372036854775808']],
        float16: ['F16', [2], [1.5, -2]],
        bfloat16: ['BF16', [2], [1.5, -2]],
        float32: ['F32', [1, 2], [0.5, -1.25]],
        float64: ['F64', [1], [0.1]],
        empty: ['F32', [0, 3], []],
        'größe.東京': ['F32', [1], [1]],
      },
    ]);
  });

  needsPython('agree on a file of the reference implementation', () => {
    const result = spawnSync('python3', ['-c', PYTHON_READER, goldenPath('layers.safetensors')], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect(result.stderr).toBe('');
    const [, expected] = JSON.parse(result.stdout) as [unknown, Record<string, [string, number[], number[]]>];
    const { tensors: found } = readGoldenTensors('layers.safetensors');
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, [dtype, shape, values]] of Object.entries(expected)) {
      const array = found[name]!;
      expect([SAFETENSORS_DTYPES[array.dtype], array.shape]).toEqual([dtype, shape]);
      expect(Array.from<number | bigint, number>(array.data, Number)).toEqual(values.map(Number));
    }
  });

  needsPython('notice damage alike', async () => {
    const path = join(await tempFolder(), 'x.safetensors');
    await writeFile(path, file({ a: { dtype: 'U8', shape: [1], data_offsets: [1, 2] } }, [0, 0]));
    expect(spawnSync('python3', ['-c', PYTHON_READER, path]).status).not.toBe(0);
  });
});
