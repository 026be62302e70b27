import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor3D, Tensor4D } from '../tf.js';

// A. Vaswani et al.: Attention Is All You Need, 2017 (arXiv:1706.03762), section 3.2. The probabilities are kept between
// the passes, and heads stay where the projections put them, side by side: for sequences short enough for that.

interface Attrs {
  heads: number;
  scale: number;
  causal: boolean;
}

/** [B, T, H·D] → [B, H, T, D]. */
function split(x: Tensor, heads: number): Tensor4D {
  const [b, t, e] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [b, t, heads, e / heads]), [0, 2, 1, 3]);
}

/** [B, H, T, D] → [B, T, H·D]. */
function join(x: Tensor4D): Tensor3D {
  const [b, h, t, d] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [b, t, h * d]);
}

/** What is added to the scores: nothing, or minus infinity (nearly) above the diagonal. */
function hidden(t: number, s: number): Tensor {
  const later = tf.greater(tf.reshape(tf.range(0, s), [1, s]), tf.reshape(tf.range(0, t), [t, 1]));
  return tf.mul(tf.cast(later, 'float32'), -1e30);
}

function forward(q: Tensor, k: Tensor, v: Tensor, { heads, scale, causal }: Attrs): Tensor[] {
  const scores = tf.mul(tf.matMul(split(q, heads), split(k, heads), false, true), scale);
  const probs = tf.softmax(causal ? tf.add(scores, hidden(q.shape[1]!, k.shape[1]!)) : scores) as Tensor4D;
  return [join(tf.matMul(probs, split(v, heads))), probs];
}

function backward(
  dy: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  probs: Tensor,
  { heads, scale }: Attrs,
): Tensor[] {
  const [g, p] = [split(dy, heads), probs as Tensor4D];
  const dp = tf.matMul(g, split(v, heads), false, true);
  const ds = tf.mul(tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), -1, true))), scale) as Tensor4D;
  return [
    join(tf.matMul(ds, split(k, heads))),
    join(tf.matMul(ds, split(q, heads), true)),
    join(tf.matMul(p, g, true)),
  ];
}

defineAccelerated({
  name: 'EngineAttention',
  reference: ({ q, k, v }, attrs) => tf.tidy(() => forward(q!, k!, v!, attrs as unknown as Attrs)),
  gradient: {
    inputsToSave: ['q', 'k', 'v'],
    outputsToSave: [false, true],
    gradFunc: (dys, saved, attrs) => {
      const [q, k, v, probs] = saved as [Tensor, Tensor, Tensor, Tensor];
      const inputs = { dy: (dys as Tensor[])[0]!, q, k, v, probs };
      const [dq, dk, dv] = runAccelerated<Tensor[]>('EngineAttentionGrad', inputs, attrs);
      return { q: () => dq!, k: () => dk!, v: () => dv! };
    },
  },
});

defineAccelerated({
  name: 'EngineAttentionGrad',
  reference: ({ dy, q, k, v, probs }, attrs) =>
    tf.tidy(() => backward(dy!, q!, k!, v!, probs!, attrs as unknown as Attrs)),
});

const parts = (qkv: Tensor): Tensor[] => tf.split(qkv, 3, 2);

defineAccelerated({
  name: 'EngineSelfAttention',
  reference: ({ qkv }, attrs) =>
    tf.tidy(() => {
      const [q, k, v] = parts(qkv!);
      return forward(q!, k!, v!, attrs as unknown as Attrs);
    }),
  gradient: {
    inputsToSave: ['qkv'],
    outputsToSave: [false, true],
    gradFunc: (dys, saved, attrs) => {
      const [qkv, probs] = saved as [Tensor, Tensor];
      const inputs = { dy: (dys as Tensor[])[0]!, qkv, probs };
      return { qkv: () => runAccelerated<Tensor>('EngineSelfAttentionGrad', inputs, attrs) };
    },
  },
});

defineAccelerated({
  name: 'EngineSelfAttentionGrad',
  reference: ({ dy, qkv, probs }, attrs) =>
    tf.tidy(() => {
      const [q, k, v] = parts(qkv!);
      return tf.concat(backward(dy!, q!, k!, v!, probs!, attrs as unknown as Attrs), 2);
    }),
});

export interface HeadsOptions {
  /** Heads, which lie side by side in the last axis; must divide it. */
  heads: number;
  /** Factor of the scores; 1 / sqrt(size of a head) unless said. */
  scale?: number;
  /** Whether position i sees only the keys 0..i; false unless said. */
  causal?: boolean;
}

function complete(size: number, { heads, scale, causal = false }: HeadsOptions): Attrs {
  if (!Number.isInteger(heads) || heads < 1 || size % heads !== 0) {
    throw badValue('attention.heads', heads, `a divisor of ${size}, the size of the last axis`);
  }
  return { heads, scale: scale ?? 1 / Math.sqrt(size / heads), causal };
}

/**
 * Scaled-dot-product attention: softmax(q kᵀ · scale) v for each head.
 * @param q [B, T, E]
 * @param k [B, S, E]
 * @param v [B, S, E]
 * @returns [B, T, E]
 * @throws E_CONFIG_VALUE when the heads do not divide E
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: HeadsOptions): Tensor3D {
  const attrs = complete(q.shape[2]!, options);
  return runAccelerated<Tensor[]>('EngineAttention', { q, k, v }, { ...attrs })[0] as Tensor3D;
}

/**
 * {@link attention} of a sequence to itself, from its three projections side by side: nothing is copied apart.
 * @param qkv [B, T, 3·E]
 * @returns [B, T, E]
 */
export function selfAttention(qkv: Tensor, options: HeadsOptions): Tensor3D {
  const attrs = complete(qkv.shape[2]! / 3, options);
  return runAccelerated<Tensor[]>('EngineSelfAttention', { qkv }, { ...attrs })[0] as Tensor3D;
}
