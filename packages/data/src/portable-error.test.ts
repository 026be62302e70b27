import { EngineError } from '@engine/core';
import { describe, expect, it } from 'vitest';
import { packError, unpackError } from './portable-error.js';

describe('packError', () => {
  it('keeps house errors and chains of causes whole across a structured clone', () => {
    const root = new RangeError('deep');
    const error = new EngineError({
      code: 'E_TEST_X',
      what: 'It broke.',
      received: 'r',
      exitCode: 2,
      cause: root,
    });
    const copy = unpackError(structuredClone(packError(error))) as EngineError;
    expect(copy).toBeInstanceOf(EngineError);
    expect(copy).toMatchObject({ code: 'E_TEST_X', message: error.message, exitCode: 2, stack: error.stack });
    expect(copy.cause).toMatchObject({ name: 'RangeError', message: 'deep', stack: root.stack });
  });

  it('survives what is no error, and circles', () => {
    expect(unpackError(packError('text')).message).toBe('text');
    const circle = new Error('round');
    circle.cause = circle;
    expect(unpackError(packError(circle)).message).toBe('round');
  });
});
