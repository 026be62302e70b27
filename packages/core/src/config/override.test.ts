import { describe, expect, it } from 'vitest';
import { parseOverride, parseOverrideValue } from '../index.js';

describe('parseOverride', () => {
  it('splits at the first equals sign', () => {
    expect(parseOverride('a.b=x=y')).toEqual({ path: 'a.b', value: 'x=y' });
    expect(parseOverride('a.0.c=')).toEqual({ path: 'a.0.c', value: '' });
    expect(() => parseOverride('a.b')).toThrow('E_CONFIG_OVERRIDE');
    expect(() => parseOverride('=1')).toThrow('E_CONFIG_OVERRIDE');
  });
});

describe('the value grammar', () => {
  it.each<[string, unknown]>([
    ['1', 1],
    ['-3', -3],
    ['+2', 2],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['2.', 2],
    ['1e-3', 0.001],
    ['1E5', 100000],
    ['true', true],
    ['False', false],
    ['TRUE', true],
    ['None', null],
    ['none', null],
    ['null', null],
    ['inf', Infinity],
    ['-inf', -Infinity],
    ['nan', NaN],
    ['SGD', 'SGD'],
    ['1.2.3', '1.2.3'],
    ['0x10', '0x10'],
    ['work dirs/a', 'work dirs/a'],
    ["'quoted'", 'quoted'],
    ['1,2,3', [1, 2, 3]],
    ['a,b', ['a', 'b']],
    ['[1, 2]', [1, 2]],
    ['(1,2)', [1, 2]],
    ['(1,)', [1]],
    ['[]', []],
    ['()', []],
    ['[(a,b), [1,2], false]', [['a', 'b'], [1, 2], false]],
    ['[(x,1),[2,false],None]', [['x', 1], [2, false], null]],
    [
      '(a,b),(c,d)',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ["['a,b',c]", ['a,b', 'c']],
    ['"[1,2]"', '[1,2]'],
    ['"1"', '1'],
    ["'[1,2]'", [1, 2]],
    ['{"type": "SGD", "lr": [1, null]}', { type: 'SGD', lr: [1, null] }],
    ['["1", 2]', ['1', 2]],
    ['{{ fileBasename }}', '{{ fileBasename }}'],
  ])('%s', (text, value) => {
    expect(parseOverrideValue(text)).toEqual(value);
  });

  it.each(['[1,2', '1,2)', '[(1,2],3)', '(', '][', '[a)'])('refuses %s', (text) => {
    expect(() => parseOverrideValue(text)).toThrow(/E_CONFIG_OVERRIDE.*brackets/s);
  });
});
