import { RandomStream } from '@engine/core';
import { describe, expect, it } from 'vitest';

import { normalCdf, normalQuantile, randomNormal, randomUniform, truncatedNormal } from './index.js';

const stream = (): RandomStream => RandomStream.of(3, 'test');
const moments = (data: ArrayLike<number>): { mean: number; std: number } => {
  const all = Array.from(data);
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  return { mean, std: Math.sqrt(all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length) };
};

describe('random tensors', () => {
  it('are a function of the stream', () => {
    for (const draw of [randomNormal, randomUniform, truncatedNormal]) {
      expect(draw([3, 5], stream()).dataSync()).toEqual(draw([3, 5], stream()).dataSync());
      expect(draw([3, 5], stream()).shape).toEqual([3, 5]);
    }
  });

  it('have the moments asked for', () => {
    const normal = moments(randomNormal([20001], stream(), { mean: 2, std: 3 }).dataSync());
    expect(normal.mean).toBeCloseTo(2, 1);
    expect(normal.std).toBeCloseTo(3, 1);
    const uniform = randomUniform([20000], stream(), { low: -1, high: 3 }).dataSync();
    expect(moments(uniform).mean).toBeCloseTo(1, 1);
    expect(moments(uniform).std).toBeCloseTo(4 / Math.sqrt(12), 1);
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...uniform)).toBeLessThan(3);
  });

  it('are cut where they should be, with the standard deviation of the cut distribution', () => {
    const cut = truncatedNormal([20000], stream(), { std: 1, a: -1, b: 1 }).dataSync();
    expect(Math.max(...cut.map(Math.abs))).toBeLessThanOrEqual(1);
    // 1 - 2·φ(1)/(2Φ(1) - 1) is the variance of a standard normal cut to ±1.
    expect(moments(cut).std).toBeCloseTo(Math.sqrt(1 - (2 * 0.24197072451914337) / 0.6826894921370859), 2);
  });
});

describe('the normal distribution', () => {
  it('matches published values', () => {
    expect(normalCdf(1.96)).toBeCloseTo(0.9750021048517795, 14);
    expect(normalCdf(-5)).toBeCloseTo(2.866515718791939e-7, 18);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 13);
    expect(normalQuantile(1e-10)).toBeCloseTo(-6.361340902404056, 12);
    expect(normalQuantile(0.9)).toBeCloseTo(1.2815515655446004, 13);
    for (const p of [0.001, 0.2, 0.5, 0.77, 0.99999]) expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 12);
  });
});
