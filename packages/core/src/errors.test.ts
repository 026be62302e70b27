import { describe, expect, it } from 'vitest';
import {
  addWhere,
  badValue,
  checkKeys,
  editDistance,
  EngineError,
  isEngineError,
  listNames,
  nearest,
  show,
} from './index.js';

describe('EngineError', () => {
  it('follows the house grammar', () => {
    const cause = new Error('below');
    const error = new EngineError({
      code: 'E_TEST_CASE',
      what: 'Something is wrong.',
      received: 'a = 1',
      where: 'configs/a.yaml:3',
      expected: 'a = 2',
      didYouMean: 'b',
      fix: 'write 2',
      cause,
      exitCode: 2,
    });
    expect(error.message).toBe(
      [
        '[E_TEST_CASE] Something is wrong.',
        '  received  a = 1   (configs/a.yaml:3)',
        '  expected  a = 2',
        "  did you mean 'b'?",
        '  fix       write 2',
        '  docs      docs/errors.md#e_test_case',
      ].join('\n'),
    );
    expect([error.code, error.exitCode, error.cause, error.name]).toEqual([
      'E_TEST_CASE',
      2,
      cause,
      'EngineError',
    ]);
    expect(new EngineError({ code: 'E_A_B', what: 'x' }).exitCode).toBe(1);
  });

  it('is recognised across copies of the package by its brand', () => {
    expect(isEngineError(new EngineError({ code: 'E_A_B', what: 'x' }))).toBe(true);
    expect(isEngineError(Object.assign(new Error('x'), { code: 'E_A_B' }))).toBe(false);
  });

  it('takes where it happened once, and stays the same object', () => {
    class Special extends EngineError {}
    const error = new Special({ code: 'E_A_B', what: 'x' });
    addWhere(error, 'model, a.yaml:1');
    addWhere(error, 'outer, a.yaml:9');
    expect(error).toBeInstanceOf(Special);
    expect(error.message).toContain('  at        model, a.yaml:1');
    expect(error.message).not.toContain('a.yaml:9');
    expect(error.stack).toContain('a.yaml:1');
    expect(error.code).toBe('E_A_B');
  });
});

it('rejects unknown options with the nearest known one', () => {
  expect(() => checkKeys('SGD', { lr: 1, nesterv: true }, ['lr', 'nesterov'])).toThrow(
    /E_CONFIG_UNKNOWN_KEY.*SGD has no option 'nesterv'.*nesterv = true.*did you mean 'nesterov'/s,
  );
  expect(() => checkKeys('Flat', { a: 1 }, [], 'model')).toThrow(/model\.a = 1.*no options/s);
  expect(() => checkKeys('SGD', undefined, [])).not.toThrow();
  expect(badValue('SGD.lr', -1, 'a positive number').message).toContain('SGD.lr = -1');
});

it('measures edits and adjacent swaps', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('AdanW', 'AdamW')).toBe(1);
  expect(editDistance('ab', 'ba')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('SGD', 'sgd')).toBe(0);
});

it('suggests only likely typos', () => {
  expect(nearest('momentom', ['momentum', 'nesterov'])).toBe('momentum');
  expect(nearest('xyz', ['abc'])).toBeUndefined();
  expect(nearest('lrs', ['lr', 'dampening'])).toBe('lr');
});

it('shows values and names briefly', () => {
  expect([show('a'), show(undefined), show([1]), show(class Net {})]).toEqual([
    "'a'",
    'undefined',
    '[1]',
    'Net (function)',
  ]);
  expect(show('x'.repeat(200))).toHaveLength(80);
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  expect(show(loop)).toBe('[object Object]');
  expect(listNames([])).toBe('(none)');
  expect(listNames(['a', 'b', 'c'], 2)).toBe('a, b, … (3 in all)');
});
