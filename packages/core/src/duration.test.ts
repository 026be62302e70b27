import { expect, it } from 'vitest';
import { parseDuration } from './index.js';

it.each([
  ['500it', 'iter', 500],
  ['1iter', 'iter', 1],
  ['2ep', 'epoch', 2],
  ['3 epochs', 'epoch', 3],
  ['30s', 'second', 30],
  ['10min', 'second', 600],
  ['1.5h', 'second', 5400],
  ['90d', 'second', 7_776_000],
  ['1h30min', 'second', 5400],
  [' 1h 30min ', 'second', 5400],
] as const)('reads %s', (text, unit, value) => {
  expect(parseDuration(text)).toEqual({ unit, value });
});

it.each(['', '5', 'it', '-3it', '1.5ep', '2it3ep', '1ep1ep', '5it!', '1e3it', '3 parsecs'])(
  'refuses %j',
  (text) => {
    expect(() => parseDuration(text)).toThrow('E_DURATION');
  },
);

it('names the option and a likely unit', () => {
  expect(() => parseDuration('10mn', 'maxTime')).toThrow(
    /maxTime is not a length of training.*did you mean '10min'/s,
  );
  expect(() => parseDuration(500 as never)).toThrow('E_DURATION');
});
