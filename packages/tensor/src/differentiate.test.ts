import { beforeAll, describe, expect, it } from 'vitest';

import {
  differentiate,
  expectNoLeak,
  leakCount,
  noGrad,
  relu,
  tf,
  type Tensor,
  type Tensor2D,
} from './index.js';

beforeAll(() => tf.setBackend('cpu'));

const range = (count: number, from = -1, to = 1): Tensor => tf.linspace(from, to, count);
const read = (tensor: Tensor | undefined): number[] => Array.from(tensor!.dataSync());

/** A function with everything that makes a tape interesting, of a [3, 4], b [4, 2] and c [2]. */
function tangled([a, b, c]: Tensor[]): Tensor {
  const h = relu(tf.matMul(a as Tensor2D, b as Tensor2D));
  const shared = tf.add(h, c!);
  const [first, second] = tf.split(shared, 2, 1);
  const twice = tf.mul(shared, shared);
  const passed = tf.add(first!, second!);
  return tf.sum(tf.add(tf.mean(twice, 1), tf.sin(tf.reshape(passed, [3]))));
}

const inputs = (): Tensor[] => [range(12).reshape([3, 4]), range(8, 0.5, -1).reshape([4, 2]), range(2)];

describe('differentiate', () => {
  it('gives what tfjs gives, scaled by the seed', () => {
    const xs = inputs();
    const { grads: expected } = tf.valueAndGrads((...given: Tensor[]) => tangled(given) as tf.Scalar)(xs);
    for (const scale of [1, 0.25]) {
      const { value, grads } = differentiate(() => tangled(xs), xs, tf.scalar(scale));
      expect(value.dataSync()[0]).toBe(tangled(xs).dataSync()[0]);
      grads.forEach((grad, i) => {
        expect(grad!.shape).toEqual(xs[i]!.shape);
        read(grad).forEach((v, j) => expect(v).toBeCloseTo(scale * read(expected[i])[j]!, 6));
      });
    }
  });

  it('leaves the gradients and nothing else', () => {
    const xs = inputs();
    let made: { value: Tensor; grads: (Tensor | undefined)[] } | undefined;
    const { tensors } = leakCount(() => (made = differentiate(() => tangled(xs), xs)));
    expect(tensors).toBe(4);
    expect(new Set([made!.value, ...made!.grads]).size).toBe(4);
    tf.dispose([made!.value, ...(made!.grads as Tensor[])]);
    expect(xs.every((x) => !x.isDisposed)).toBe(true);
  });

  it('frees what a node saved, and gradients, once they have been used', () => {
    const x = range(1000);
    const live: number[] = [];
    const watch = tf.customGrad((given) => ({
      value: tf.clone(given as Tensor),
      gradFunc: (dy: Tensor) => {
        live.push(tf.memory().numTensors);
        return tf.clone(dy);
      },
    }));
    expectNoLeak(() => {
      const run = (): Tensor => {
        let y = x;
        for (let i = 0; i < 6; i++) y = watch(tf.mul(tf.sin(y), 2));
        return tf.sum(y);
      };
      const { value, grads } = differentiate(run, [x]);
      tf.dispose([value, grads[0]!]);
    });
    // Each layer passed leaves fewer tensors behind it than before.
    expect(live).toHaveLength(6);
    live.slice(1).forEach((count, i) => expect(count).toBeLessThan(live[i]!));
  });

  it('is undefined for what the function does not read, and one tensor each for an x given twice', () => {
    const [x, other] = [range(3), range(3)];
    const { grads } = differentiate(() => tf.sum(tf.square(x)), [x, other, x]);
    expect(grads[1]).toBeUndefined();
    expect(read(grads[2])).toEqual(read(grads[0]));
    expect(grads[2]).not.toBe(grads[0]);
    expect(differentiate(() => tf.sum(x), [other]).grads).toEqual([undefined]);
    const whole = tf.scalar(2);
    expect(read(differentiate(() => whole, [whole]).grads[0])).toEqual([1]);
  });

  it('does not follow what noGrad computes', () => {
    const x = range(3);
    const { grads } = differentiate(
      () =>
        tf.sum(
          tf.mul(
            x,
            noGrad(() => tf.square(x)),
          ),
        ),
      [x],
    );
    read(grads[0]).forEach((v, i) => expect(v).toBeCloseTo(read(x)[i]! ** 2, 6));
  });

  it('may be nested: second derivatives, inside tfjs’s and inside itself', () => {
    const x = range(4, 0.5, 2);
    const cube = (): Tensor => tf.sum(tf.pow(x, 3));
    const slope = (): Tensor => tf.sum(differentiate(cube, [x]).grads[0]!);
    expectNoLeak(() => {
      const { value, grads } = differentiate(slope, [x]);
      read(grads[0]).forEach((v, i) => expect(v).toBeCloseTo(6 * read(x)[i]!, 4));
      const theirs = tf.grad((given: Tensor) => {
        const inner = differentiate(() => tf.sum(tf.pow(given, 3)), [given]);
        return tf.sum(inner.grads[0]!) as tf.Scalar;
      })(x);
      read(theirs).forEach((v, i) => expect(v).toBeCloseTo(6 * read(x)[i]!, 4));
      tf.dispose([value, grads[0]!, theirs]);
    });
  });

  it('leaves nothing when the function or a gradient throws, and works afterwards', () => {
    const x = range(4);
    const failing = tf.customGrad((given) => ({
      value: tf.clone(given as Tensor),
      gradFunc: () => {
        throw new Error('no slope');
      },
    }));
    const wrong = tf.customGrad((given) => ({
      value: tf.clone(given as Tensor),
      gradFunc: () => tf.zeros([3]),
    }));
    expectNoLeak(() => {
      expect(() =>
        differentiate(() => {
          tf.square(x);
          throw new Error('no value');
        }, [x]),
      ).toThrow('no value');
      expect(() => differentiate(() => tf.sum(failing(tf.square(x))), [x])).toThrow('no slope');
      expect(() => differentiate(() => tf.sum(wrong(tf.square(x))), [x])).toThrow(/\[3\], not float32 \[4\]/);
      expect(() => differentiate(() => tf.sum(tf.topk(tf.square(x), 2).values), [x])).toThrow(
        'The kernel TopK has no gradient.',
      );
    });
    expect(tf.engine().state.gradientDepth).toBe(0);
    expect(read(differentiate(() => tf.sum(x), [x]).grads[0])).toEqual([1, 1, 1, 1]);
  });
});
