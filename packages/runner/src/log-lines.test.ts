import { describe, expect, it } from 'vitest';
import { counterField, epochField, formatFixed, formatScientific, formatSeconds } from './log-lines.js';

// Expected texts are what Python prints: str(timedelta(seconds=…)), '{:.4e}', '{:.4f}', str.rjust.
describe('log line pieces', () => {
  it.each([
    [0, '0:00:00'],
    [40, '0:00:40'],
    [3599.9, '0:59:59'],
    [86400 + 1962, '1 day, 0:32:42'],
    [2 * 86400, '2 days, 0:00:00'],
  ])('formats %f seconds', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it.each([
    [0.1, '1.0000e-01'],
    [0, '0.0000e+00'],
    [12345, '1.2345e+04'],
    [1e-12, '1.0000e-12'],
    [1e100, '1.0000e+100'],
  ])('formats %d in scientific notation', (value, text) => {
    expect(formatScientific(value)).toBe(text);
  });

  // What Python 3 prints for f'{value:.{digits}f}'.
  it.each([
    [0.03125, 4, '0.0312'],
    [0.09375, 4, '0.0938'],
    [0.28125, 4, '0.2812'],
    [2.5, 0, '2'],
    [3.5, 0, '4'],
    [0.5, 0, '0'],
    [1.005, 2, '1.00'],
    [-0.03125, 4, '-0.0312'],
    [-0, 4, '-0.0000'],
    [7.968739436823642e21, 4, '7968739436823641587712.0000'],
    [1e-7, 4, '0.0000'],
  ])('formats %d with %i decimals', (value, digits, text) => {
    expect(formatFixed(value, digits)).toBe(text);
  });

  it.each([
    [1.03125, '1.0312e+00'],
    [1.09375, '1.0938e+00'],
    [0.1, '1.0000e-01'],
    [NaN, 'nan'],
    [-Infinity, '-inf'],
    [-0, '-0.0000e+00'],
  ])('formats %d as Python does', (value, text) => {
    expect(formatScientific(value)).toBe(text);
  });

  it('formats fixed numbers and what is no number', () => {
    expect([1, NaN, Infinity, -Infinity].map((value) => formatFixed(value, 4))).toEqual([
      '1.0000',
      'nan',
      'inf',
      '-inf',
    ]);
  });

  it('pads epochs to the digits of the last one plus three, and counters to the digits of the total', () => {
    expect(epochField(2, 12)).toBe('  [2]');
    expect(epochField(12, 12)).toBe(' [12]');
    expect(epochField(1, 3)).toBe(' [1]');
    expect(counterField(3, 20)).toBe('[ 3/20]');
  });
});
