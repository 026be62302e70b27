import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { philoxWords } from '../philox.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

interface Attrs {
  /** Words below it drop their element. */
  threshold: number;
  /** Factor of what is kept. */
  scale: number;
  key0: number;
  key1: number;
  call: number;
}

// The mask is a function of the attributes, so that the backward pass makes it again instead of keeping it, and the
// gradient is the kernel itself.
defineAccelerated({
  name: 'EngineDropout',
  reference({ x }, attrs) {
    const { threshold, scale, key0, key1, call } = attrs as unknown as Attrs;
    const words = philoxWords(x!.size, [key0, key1], call);
    const mask = new Float32Array(words.length);
    for (let i = 0; i < mask.length; i++) if (words[i]! >= threshold) mask[i] = scale;
    return tf.tidy(() => tf.mul(x!, tf.tensor(mask, x!.shape)));
  },
  gradient: {
    gradFunc: (dy, _saved, attrs) => ({
      x: () => runAccelerated<Tensor>('EngineDropout', { x: dy as Tensor }, attrs),
    }),
  },
});

export interface DropoutMask {
  /** Probability of a value to be dropped, 0 to below 1. */
  p: number;
  /** Two words of 32 bits that name the stream of masks. */
  key: readonly [number, number];
  /** Number of the mask in its stream, 0 to 2^53 - 1. */
  call: number;
}

/**
 * Sets each value to 0 with probability p and multiplies the rest by 1 / (1 - p) (N. Srivastava et al. 2014). The mask is
 * a pure function of key, call and place, by Philox4x32-10, and nothing is kept for the backward pass.
 * @param x any shape
 * @throws E_CONFIG_VALUE for a probability outside of [0, 1)
 */
export function dropout<T extends Tensor>(x: T, { p, key, call }: DropoutMask): T {
  if (!(p >= 0 && p < 1)) throw badValue('dropout.p', p, 'a number from 0 to below 1');
  const threshold = Math.min(Math.ceil(p * 4294967296), 4294967295);
  const attrs = { threshold, scale: 1 / (1 - p), key0: key[0], key1: key[1], call };
  return runAccelerated<Tensor>('EngineDropout', { x }, attrs) as T;
}
