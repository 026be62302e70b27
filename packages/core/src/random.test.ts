import { describe, expect, it } from 'vitest';
import { RandomStream } from './index.js';

const draw = (stream: RandomStream, n: number): number[] => Array.from({ length: n }, () => stream.float());

/** sfc32 after its author's definition, in exact integer arithmetic. */
function sfc32Reference(state: readonly number[], n: number): number[] {
  const MASK = 0xffffffffn;
  let [a, b, c, d] = state.map(BigInt) as [bigint, bigint, bigint, bigint];
  return Array.from({ length: n }, () => {
    const t = (a + b + d) & MASK;
    d = (d + 1n) & MASK;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & MASK;
    c = ((c << 21n) | (c >> 11n)) & MASK;
    c = (c + t) & MASK;
    return Number(t);
  });
}

describe('RandomStream', () => {
  it('is sfc32', () => {
    const stream = RandomStream.of(42, 'test');
    const expected = sfc32Reference(stream.state, 1000);
    expect(Array.from({ length: 1000 }, () => stream.uint32())).toEqual(expected);
  });

  it('is a function of its name', () => {
    expect(draw(RandomStream.of(1, 'a', 2), 5)).toEqual(draw(RandomStream.of(1, 'a', 2), 5));
    const names = [
      [1, 'a', 2],
      [1, 'a', 3],
      [2, 'a', 2],
      [1, 'b', 2],
      [1, 'a'],
      ['a', 1, 2],
      [1 + 2 ** 32, 'a', 2],
    ];
    const first = names.map((keys) => RandomStream.of(...keys).float());
    expect(new Set(first).size).toBe(names.length);
    expect(RandomStream.of('ab', 'c').float()).not.toBe(RandomStream.of('a', 'bc').float());
  });

  it('goes on from a saved state', () => {
    const stream = RandomStream.of(3, 'save');
    draw(stream, 10);
    const state = JSON.parse(JSON.stringify(stream.state)) as [number, number, number, number];
    const rest = draw(stream, 10);
    expect(draw(new RandomStream(state), 10)).toEqual(rest);
    stream.state = state;
    expect(draw(stream, 10)).toEqual(rest);
  });

  it('is uniform: chi-square over 100 cells stays under the 0.1 % point', () => {
    const stream = RandomStream.of(0, 'uniform');
    const cells = new Array<number>(100).fill(0);
    for (let i = 0; i < 100_000; i++) cells[Math.floor(stream.float() * 100)]!++;
    const chi = cells.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    // 148.2 is the 99.9th percentile with 99 degrees of freedom.
    expect(chi).toBeLessThan(148.2);
  });

  it('draws integers below n without bias', () => {
    const stream = RandomStream.of(0, 'int');
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[stream.int(3)]!++;
    for (const count of counts)
      expect(Math.abs(count - 10_000)).toBeLessThan(4 * Math.sqrt(30_000 * (2 / 9)));
  });

  it('draws normal numbers with the asked mean and deviation', () => {
    const stream = RandomStream.of(0, 'normal');
    const values = Array.from({ length: 50_000 }, () => stream.normal(2, 3));
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean - 2)).toBeLessThan((4 * 3) / Math.sqrt(50_000));
    expect(Math.abs(variance - 9)).toBeLessThan(4 * 9 * Math.sqrt(2 / 50_000));
  });

  it('permutes', () => {
    const order = RandomStream.of(0, 'permutation').permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
  });

  it('stays inside its range', () => {
    const stream = RandomStream.of(0, 'range');
    for (let i = 0; i < 1000; i++) {
      const value = stream.uniform(-2, 3);
      expect(value >= -2 && value < 3).toBe(true);
    }
  });
});
