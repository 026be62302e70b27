import '@engine/openmmlab';
import { Config, isEngineError } from '@engine/core';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

interface Case {
  code: string;
  /** What Python says `repr(value)` is. */
  repr?: string;
  /** The exception Python raises instead. */
  error?: string;
}

const { cases } = readGolden<{ cases: Case[] }>('python_expressions.json');

async function outcome(code: string): Promise<Case> {
  try {
    const config = await Config.fromString(`${code}\nresult = repr(value)\ndel value`, 'py');
    return { code, repr: config.values.result as string };
  } catch (error) {
    if (!isEngineError(error) || error.code !== 'E_PYCONFIG_EVALUATION') return { code, error: String(error) };
    return { code, error: /received {2}(\w+)/.exec(error.message)![1]! };
  }
}

describe('expressions of Python configs are what Python makes of them', () => {
  it(`${cases.length} expressions and programs`, async () => {
    const wrong: { expected: Case; received: Case }[] = [];
    for (const expected of cases) {
      const received = await outcome(expected.code);
      if (received.repr !== expected.repr || received.error !== expected.error) wrong.push({ expected, received });
    }
    expect(wrong).toEqual([]);
  });
});
