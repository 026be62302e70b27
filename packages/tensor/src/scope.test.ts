import { describe, expect, it } from 'vitest';

import {
  disposeTree,
  expectNoLeak,
  keepTree,
  leakCount,
  mapTensors,
  scope,
  scopeAsync,
  tensorsIn,
  tf,
} from './index.js';

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('scope', () => {
  it('keeps what is returned and what is kept, and frees the rest', () => {
    const count = leakCount(() => {
      const [result] = scope(() => {
        tf.keep(tf.scalar(1));
        tf.scalar(2);
        return [tf.scalar(3), { inner: tf.scalar(4) }] as const;
      });
      expect(result.isDisposed).toBe(false);
    });
    expect(count.tensors).toBe(3);
  });

  it('frees everything when the function throws', () => {
    expectNoLeak(() => {
      const failing = (): unknown => scope(() => [tf.scalar(1), JSON.parse('{')]);
      expect(failing).toThrow(SyntaxError);
    });
  });

  it('refuses a promise', () => {
    expect(() => scope(() => Promise.resolve(1))).toThrow('E_SCOPE_ASYNC');
  });
});

describe('scopeAsync', () => {
  it('frees what was made before and after a wait', async () => {
    const count = await leakCount(async () => {
      const result = await scopeAsync(async () => {
        tf.scalar(1);
        await pause();
        tf.scalar(2);
        return tf.scalar(3);
      });
      expect(result.dataSync()[0]).toBe(3);
      result.dispose();
    });
    expect(count.tensors).toBe(0);
  });

  it('frees everything when the function throws, and passes the error on', async () => {
    const failing = (): Promise<void> =>
      scopeAsync(async () => {
        tf.scalar(1);
        await pause();
        throw new Error('inside');
      });
    await expectNoLeak(async () => {
      await expect(failing()).rejects.toThrow('inside');
    });
  });

  it('leaves the stack of scopes whole when two overlap', async () => {
    await expectNoLeak(async () => {
      const first = scopeAsync(async () => {
        await pause();
        await pause();
        tf.scalar(1);
      });
      const second = scopeAsync(async () => {
        tf.scalar(2);
        await pause();
      });
      await Promise.all([first, second]);
      expect(tf.engine().state.scopeStack).toHaveLength(0);
      expect(scope(() => tf.scalar(5)).dispose()).toBeUndefined();
    });
  });

  it('hands a result to the scope around it', () => {
    return expectNoLeak(async () => {
      await scopeAsync(async () => {
        const inner = await scopeAsync(() => Promise.resolve(tf.scalar(1)));
        expect(inner.isDisposed).toBe(false);
      });
    });
  });
});

describe('expectNoLeak', () => {
  it('names the number of tensors and bytes', () => {
    expect(() => expectNoLeak(() => void tf.zeros([3]))).toThrow(
      '[E_TENSOR_LEAK] 1 tensor (12 bytes) remained after the function ended.',
    );
  });

  it('waits for an asynchronous function', async () => {
    const leaking = async (): Promise<void> => {
      await pause();
      tf.scalar(1);
    };
    await expect(expectNoLeak(leaking)).rejects.toThrow('E_TENSOR_LEAK');
  });
});

describe('tensor trees', () => {
  it('are mapped, kept and freed through objects and lists, other values untouched', () => {
    class Other {
      tensor = 'not looked into';
    }
    const tree = { a: tf.scalar(1), b: [tf.scalar(2), 'text', { c: tf.scalar(3) }], d: new Other(), e: null };
    const read = mapTensors(tree, (tensor, path) => `${path}=${tensor.dataSync()[0]}`);
    expect(read).toEqual({ a: 'a=1', b: ['b.0=2', 'text', { c: 'b.2.c=3' }], d: tree.d, e: null });
    expect(read.d).toBe(tree.d);
    const kept = scope(() => {
      keepTree(tree);
      return 0;
    });
    expect(kept).toBe(0);
    expect(tensorsIn(tree)).toHaveLength(3);
    disposeTree(tree);
    disposeTree(tree);
    expect(tensorsIn(tree).every((tensor) => tensor.isDisposed)).toBe(true);
  });
});
