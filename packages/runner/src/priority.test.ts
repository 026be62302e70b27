import { describe, expect, it } from 'vitest';
import { priorityName, priorityOf, type Priority } from './priority.js';

describe('priorityOf', () => {
  it.each([
    ['HIGHEST', 0],
    ['VERY_HIGH', 10],
    ['HIGH', 30],
    ['ABOVE_NORMAL', 40],
    ['NORMAL', 50],
    ['below_normal', 60],
    ['Low', 70],
    ['VERY_LOW', 90],
    ['LOWEST', 100],
    [0, 0],
    [100, 100],
    [55, 55],
  ])('%s is %i', (given, value) => {
    expect(priorityOf(given as Priority)).toBe(value);
  });

  it.each([-1, 101, 1.5, 'URGENT', null])('refuses %s', (given) => {
    expect(() => priorityOf(given as Priority)).toThrow(/E_PRIORITY/);
  });

  it('suggests the name that was meant', () => {
    expect(() => priorityOf('NORMLA' as Priority)).toThrow(/did you mean 'NORMAL'/);
  });
});

it('names the band of a number', () => {
  expect([0, 10, 29, 30, 55, 90, 100].map(priorityName)).toEqual([
    'HIGHEST',
    'VERY_HIGH',
    'VERY_HIGH',
    'HIGH',
    'NORMAL',
    'VERY_LOW',
    'LOWEST',
  ]);
});
