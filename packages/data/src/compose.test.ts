import { type EngineError, extendRegistries, TRANSFORMS, withScope } from '@engine/core';
import { describe, expect, it } from 'vitest';
import { Compose, type TransformLike } from './compose.js';
import { sampleContext } from './sample-context.js';

const add =
  (n: number) =>
  (x: number): number =>
    x + n;

TRANSFORMS.add('ComposeTestAdd', ({ n }: { n: number }) => add(n));

function thrownBy(run: () => unknown): EngineError {
  try {
    run();
  } catch (error) {
    return error as EngineError;
  }
  throw new Error('nothing was thrown');
}

describe('Compose', () => {
  const context = sampleContext(17);

  it('runs objects, functions and configs in order', () => {
    const double = { transform: (x: number) => x * 2 };
    const compose = new Compose([add(1), double, { type: 'ComposeTestAdd', n: 5 }]);
    expect(compose.transform(1, context)).toBe(9);
    expect(new Compose(null).transform(1, context)).toBe(1);
    expect(new Compose({ transforms: [add(1)] }).transform(1, context)).toBe(2);
  });

  it('stops where a transform drops the sample', () => {
    let reached = false;
    const after = (x: unknown): unknown => ((reached = true), x);
    expect(new Compose([() => undefined, after]).transform(1, context)).toBeNull();
    expect(new Compose([() => Promise.resolve(null), after]).transform(1, context)).toBeInstanceOf(Promise);
    expect(reached).toBe(false);
  });

  it('waits for asynchronous transforms', async () => {
    const later = (x: number): Promise<number> => Promise.resolve(x * 10);
    await expect(new Compose([add(1), later, add(2), later]).transform(1, context)).resolves.toBe(220);
    await expect(new Compose([later, () => null]).transform(1, context)).resolves.toBeNull();
  });

  it('names the transform and the sample when one throws', async () => {
    function breakSample(): never {
      throw new RangeError('too far');
    }
    const error = thrownBy(() => new Compose([add(1), breakSample]).transform(1, context));
    expect(error.code).toBe('E_DATA_TRANSFORM');
    expect(error.message).toContain("The transform 'breakSample' failed on sample 17.");
    expect(error.message).toContain('RangeError: too far');
    expect(error.cause).toBeInstanceOf(RangeError);
    // Also from inside another pipeline, and from a promise.
    const nested = new Compose([new Compose([breakSample])]);
    expect(thrownBy(() => nested.transform(1, context)).parts.what).toContain("'breakSample'");
    const rejects = (): Promise<never> => Promise.reject(new Error('no'));
    await expect(new Compose([rejects]).transform(1, context)).rejects.toThrow(
      "'rejects' failed on sample 17",
    );
  });

  it('rejects what is no transform', () => {
    expect(() => new Compose([5 as unknown as TransformLike])).toThrow(/pipeline\.0 = 5/);
    expect(() => new Compose([{ type: 'ComposeTestAd' }])).toThrow(/did you mean 'ComposeTestAdd'\?/);
    expect(() => new Compose('Flip' as never)).toThrow(/pipeline = 'Flip'/);
    expect(() => new Compose({ transform: [] } as never)).toThrow(/did you mean 'transforms'\?/);
    TRANSFORMS.add('ComposeTestNothing', () => 3);
    expect(() => new Compose([{ type: 'ComposeTestNothing' }])).toThrow(/a type that builds a transform/);
  });

  it('finds the names of its own library while another scope is current', () => {
    const library = extendRegistries('composetestlib');
    extendRegistries('composetestuser').TRANSFORMS.add('Own', () => add(100));
    library.TRANSFORMS.add('Lib', () => add(10));
    const compose = withScope(
      'composetestuser',
      () => new Compose([{ type: 'Lib' }, { type: 'Own' }], library.TRANSFORMS),
    );
    expect(compose.transform(0, context)).toBe(110);
  });
});
