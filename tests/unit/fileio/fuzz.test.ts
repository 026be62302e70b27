import { readFileSync } from 'node:fs';
import { isEngineError } from '@engine/core';
import {
  readNpy,
  readNpz,
  readPickle,
  readSafetensors,
  readTorch,
  readZip,
  writeSafetensors,
} from '@engine/fileio';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const { files } = JSON.parse(
  readFileSync(new URL('../../fixtures/fileio/fixtures.json', import.meta.url), 'utf8'),
) as { files: Record<string, string> };
const file = (name: string): Uint8Array => new Uint8Array(Buffer.from(files[name]!, 'base64'));

const safetensors = new Uint8Array(
  Buffer.concat(
    writeSafetensors({
      a: { dtype: 'float32', shape: [2, 3], data: new Float32Array(6) },
      b: { dtype: 'int64', shape: [1], data: new BigInt64Array(1) },
    }),
  ),
);

const READERS: Record<string, { read: (bytes: Uint8Array) => unknown; seeds: Uint8Array[] }> = {
  pickle: {
    read: (bytes) => readPickle(bytes, { unknown: 'placeholder' }),
    seeds: [0, 2, 4, 5].map((protocol) => file(`pickle${protocol}`)),
  },
  torch: {
    read: (bytes) => readTorch(bytes, { unknown: 'placeholder' }),
    seeds: ['legacy', 'plainLegacy', 'shared', 'namespace'].map(file),
  },
  npy: { read: (bytes) => readNpy(bytes), seeds: ['npyFloat', 'npyFortran', 'npyV2', 'npyText'].map(file) },
  npz: {
    read: (bytes) => [readNpz(bytes), [...readZip(bytes).values()].map((entry) => entry.read())],
    seeds: ['npz', 'npzDeflated'].map(file),
  },
  safetensors: { read: (bytes) => readSafetensors(bytes), seeds: [safetensors] },
};

/** A whole file with some bytes changed, cut out or put in; or bytes of no file. */
function damaged(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    at: fc.nat({ max: 1 << 16 }),
    cut: fc.nat({ max: 3 }),
    put: fc.uint8Array({ maxLength: 9 }),
  });
  const edited = fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([seed, changes]) => {
      let bytes = Array.from(seed);
      for (const { at, cut, put } of changes) {
        const start = at % (bytes.length + 1);
        bytes = [...bytes.slice(0, start), ...put, ...bytes.slice(start + cut)];
      }
      return Uint8Array.from(bytes);
    });
  const inPlace = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat({ max: 1 << 16 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), { maxLength: 8 }),
    )
    .map(([seed, changes]) => {
      const bytes = seed.slice();
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
  return fc.oneof(edited, inPlace, fc.uint8Array({ maxLength: 200 }));
}

describe.each(Object.entries(READERS))('the reader of %s', (_, { read, seeds }) => {
  it('answers any bytes with a value or a house error, and allocates no more than they justify', () => {
    fc.assert(
      fc.property(damaged(seeds), (bytes) => {
        const before = process.memoryUsage().arrayBuffers;
        try {
          read(bytes);
        } catch (error) {
          if (!isEngineError(error)) throw error;
        }
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * 2 ** 20);
      }),
      { numRuns: 400 },
    );
  });
});

it('lying headers ask for nothing', () => {
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".padEnd(117) + '\n';
  const npy = new Uint8Array(Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}`, 'latin1'));
  expect(() => readNpy(npy)).toThrow(/E_NPY_CORRUPT/);
  // BINBYTES8 and LONG4 with lengths that are not there.
  for (const op of ['\x8e\xff\xff\xff\xff\xff\xff\x00\x00', '\x8b\xff\xff\xff\x7f', 'X\xff\xff\xff\xff'])
    expect(() => readPickle(new Uint8Array(Buffer.from(`\x80\x04${op}.`, 'latin1')))).toThrow(
      /E_PICKLE_CORRUPT/,
    );
});

it('refuses pickles that grow by copying themselves', () => {
  // A list of 20000 items, then a set made of it 20000 times.
  const list = `](${'K\x01'.repeat(20000)}e`;
  const copies = 'h\x01h\x00\x85R'.repeat(20000);
  const bytes = Buffer.from(`\x80\x02${list}q\x000cbuiltins\nlist\nq\x010](${copies}e.`, 'latin1');
  expect(() => readPickle(new Uint8Array(bytes))).toThrow(/makes far more than it holds/);
});

it('refuses nesting that would overflow the stack', () => {
  const bytes = Buffer.from(`\x80\x02${']'.repeat(100000)}${'a'.repeat(99999)}.`, 'latin1');
  expect(() => readPickle(new Uint8Array(bytes))).toThrow(/nests deeper/);
});
