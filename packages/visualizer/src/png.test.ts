import { inflateSync } from 'node:zlib';
import { hostArray } from '@engine/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePng } from './index.js';

interface Decoded {
  width: number;
  height: number;
  colorType: number;
  pixels: number[];
}

/** A decoder written from the standard, with its own bitwise CRC. */
function decode(png: Uint8Array): Decoded {
  expect([...png.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const view = new DataView(png.buffer, png.byteOffset);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at);
    let crc = ~0;
    for (const byte of png.subarray(at + 4, at + 8 + length)) {
      crc ^= byte;
      for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    expect(view.getUint32(at + 8 + length)).toBe(~crc >>> 0);
    chunks.set(String.fromCharCode(...png.subarray(at + 4, at + 8)), png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR')!;
  const [width, height] = [header[3]! + 256 * header[2]!, header[7]! + 256 * header[6]!];
  expect([...header.subarray(8)]).toEqual([8, header[9], 0, 0, 0]);
  const channels = { 0: 1, 4: 2, 2: 3, 6: 4 }[header[9]!]!;
  const raw = inflateSync(chunks.get('IDAT')!);
  const stride = width * channels;
  const pixels = new Uint8Array(height * stride);
  const at = (y: number, x: number): number => (y < 0 || x < 0 ? 0 : pixels[y * stride + x]!);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const [a, b, c] = [at(y, x - channels), at(y - 1, x), x < channels ? 0 : at(y - 1, x - channels)];
      const nearest = [a, b, c].sort((p, q) => Math.abs(a + b - c - p) - Math.abs(a + b - c - q))[0]!;
      const predicted = [0, a, b, (a + b) >> 1, nearest][filter]!;
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x]! + predicted;
    }
  }
  return { width, height, colorType: header[9]!, pixels: [...pixels] };
}

describe('encodePng', () => {
  it.each([
    [1, 0],
    [2, 4],
    [3, 2],
    [4, 6],
  ])('keeps every pixel of images with %i channels', (channels, colorType) => {
    const size = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.boolean(),
        fc.infiniteStream(fc.nat(255)),
        (height, width, smooth, random) => {
          const noise = (): number => random.next().value as number;
          const data = Uint8Array.from({ length: height * width * channels }, (_, i) =>
            smooth ? i : noise(),
          );
          const decoded = decode(encodePng(hostArray(data, [height, width, channels])));
          expect(decoded).toEqual({ width, height, colorType, pixels: [...data] });
        },
      ),
    );
  });

  it('takes a grey image without channels and a large one', () => {
    expect(decode(encodePng(hostArray(Uint8Array.of(1, 2, 3), [1, 3]))).pixels).toEqual([1, 2, 3]);
    expect(decode(encodePng(hostArray(new Uint8Array(300 * 400 * 3), [300, 400, 3])))).toMatchObject({
      width: 400,
      height: 300,
    });
  });

  it.each([
    ['float32', hostArray(new Float32Array(4), [2, 2])],
    ['five channels', hostArray(new Uint8Array(20), [2, 2, 5])],
    ['a batch', hostArray(new Uint8Array(16), [1, 4, 4, 1])],
    ['an empty image', hostArray(new Uint8Array(), [0, 4])],
  ])('refuses %s', (_, image) => {
    expect(() => encodePng(image)).toThrow(/E_CONFIG_VALUE/);
  });
});
