import { RandomStream } from '@engine/core';
import { expect } from 'vitest';

import { randomNormal } from '../random.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

/** Normal numbers, the same for the same key. */
export const draw = (shape: number[], key: string): Tensor => randomNormal(shape, RandomStream.of(7, key));

export const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());

export function expectNear(
  received: readonly number[],
  expected: readonly number[],
  tolerance: number,
): void {
  expect(received).toHaveLength(expected.length);
  received.forEach((value, i) =>
    expect(Math.abs(value - expected[i]!), `element ${i}`).toBeLessThan(tolerance),
  );
}

/** Checks the gradient of sum(fn(inputs) · cotangent) against central differences, at about 12 places of each input. */
export function checkGradient(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor[],
  { epsilon = 1e-2, tolerance = 2e-2 }: { epsilon?: number; tolerance?: number } = {},
): void {
  tf.tidy(() => {
    const cotangent = draw(fn(...inputs).shape, 'cotangent');
    const loss = (...given: Tensor[]): Tensor => tf.sum(tf.mul(fn(...given), cotangent));
    const grads = tf.grads(loss)(inputs);
    inputs.forEach((input, which) => {
      expect(grads[which]!.shape).toEqual(input.shape);
      const data = input.dataSync();
      const received = grads[which]!.dataSync();
      const stride = Math.max(1, Math.floor(data.length / 12));
      for (let i = 0; i < data.length; i += stride) {
        const at = (delta: number): number => {
          const moved = Float32Array.from(data);
          moved[i]! += delta;
          const given = inputs.map((other, j) => (j === which ? tf.tensor(moved, input.shape) : other));
          return loss(...given).dataSync()[0]!;
        };
        const expected = (at(epsilon) - at(-epsilon)) / (2 * epsilon);
        expect(Math.abs(received[i]! - expected), `input ${which} element ${i}`).toBeLessThan(
          tolerance * (1 + Math.abs(expected)),
        );
      }
    });
  });
}
