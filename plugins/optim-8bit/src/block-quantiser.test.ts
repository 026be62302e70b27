import { RandomStream } from '@engine/core';
import { describe, expect, it } from 'vitest';
import {
  BLOCK_SIZE,
  dequantiseBlock,
  type DynamicMap,
  quantiseBlock,
  SIGNED_MAP,
  UNSIGNED_MAP,
} from './index.js';

/** The definition: the first code whose value is not below, taking the middle between two values as their border. */
function nearest({ values }: DynamicMap, value: number): number {
  const borders = values.slice(1).map((next, code) => Math.fround(Math.fround(next + values[code]!) / 2));
  const found = borders.findIndex((border) => value <= border);
  return found < 0 ? values.length - 1 : found;
}

function random(seed: number, length: number, draw: (stream: RandomStream) => number): Float32Array {
  const stream = RandomStream.of(seed, 'values');
  return Float32Array.from({ length }, () => draw(stream));
}

describe('the dynamic map', () => {
  it('ascends from −1 or 0 to 1 in 256 different values', () => {
    for (const map of [SIGNED_MAP, UNSIGNED_MAP]) {
      const { values } = map;
      expect(values.length).toBe(256);
      expect(values.every((value, i) => i === 0 || value > values[i - 1]!)).toBe(true);
      expect(values[255]).toBe(1);
      expect(values).toContain(0);
    }
    expect(SIGNED_MAP.values[0]).toBeCloseTo(-0.993, 3);
    expect(UNSIGNED_MAP.values[0]).toBe(0);
  });

  it('encodes every kind of number as the nearest value', () => {
    const spread = (stream: RandomStream) => stream.uniform(-1, 1) * 10 ** -stream.uniform(0, 9);
    const cases = [...random(1, 2000, spread), ...SIGNED_MAP.values, ...UNSIGNED_MAP.values, -1, -0, 1e-40];
    for (const value of cases) {
      expect(SIGNED_MAP.encode(value), `${value}`).toBe(nearest(SIGNED_MAP, value));
      const size = Math.abs(value);
      expect(UNSIGNED_MAP.encode(size), `${size}`).toBe(nearest(UNSIGNED_MAP, size));
    }
    SIGNED_MAP.values.slice(1).forEach((value, i) => {
      const middle = Math.fround((value + SIGNED_MAP.values[i]!) / 2);
      expect(SIGNED_MAP.encode(middle), `${middle}`).toBe(nearest(SIGNED_MAP, middle));
    });
  });
});

describe('a block', () => {
  const roundTrip = (block: Float32Array, map: DynamicMap) => {
    const codes = new Uint8Array(block.length + 3);
    const largest = quantiseBlock(block, block.length, map, codes, 3);
    const back = new Float32Array(block.length);
    dequantiseBlock(back, block.length, map, codes, 3, largest);
    expect(codes.slice(0, 3)).toEqual(new Uint8Array(3));
    return { back, largest };
  };

  it('comes back within the precision of its map, whatever its scale', () => {
    for (const scale of [1e-20, 1, 1e20]) {
      const block = random(2, BLOCK_SIZE, (stream) => stream.normal() * scale);
      const { back, largest } = roundTrip(block, SIGNED_MAP);
      expect(largest).toBe(Math.max(...block.map(Math.abs)));
      // Values are at most 0.015 apart in the first decade, the largest of all.
      block.forEach((value, i) => expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(0.0075 * largest));
    }
  });

  it('keeps its largest element and zeros', () => {
    expect([...roundTrip(Float32Array.of(0, 3, 0), UNSIGNED_MAP).back]).toEqual([0, 3, 0]);
    expect([...roundTrip(Float32Array.of(0, 0), SIGNED_MAP).back].map(Math.abs)).toEqual([0, 0]);
  });

  it('does not hide a number that is none', () => {
    const { back } = roundTrip(Float32Array.of(1, NaN, 2), SIGNED_MAP);
    expect([...back].every(Number.isNaN)).toBe(true);
  });
});
