import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor4D } from '../tf.js';

// A. Vaswani et al. 2017 (arXiv:1706.03762), equation 1. Between the passes only the logarithm of each row's sum of
// exponentials is kept, from which the probabilities are computed again, as in T. Dao et al. 2022 (arXiv:2205.14135).

interface Attrs {
  scale: number;
  causal: boolean;
}

/** Smallest normal float32: keeps the logarithm of a row that may look at nothing finite. */
const TINY = 2 ** -126;

/** q · kᵀ · scale plus the masks. [..., T, S] */
function scores(q: Tensor, k: Tensor, mask: Tensor | undefined, { scale, causal }: Attrs): Tensor {
  let s: Tensor = tf.matMul(tf.mul(q, scale), k, false, true);
  if (mask) s = tf.add(s, mask);
  if (!causal) return s;
  const [rows, columns] = s.shape.slice(-2) as [number, number];
  const row = tf.expandDims(tf.range(0, rows, 1, 'int32'), 1);
  const future = tf.greater(tf.range(0, columns, 1, 'int32'), row);
  return tf.add(s, tf.where(future, tf.scalar(-Infinity), tf.scalar(0)));
}

/** Outputs: y [B, H, T, D], lse [B, H, T], the logarithm of the sum of exp(scores). Input `mask` may be absent. */
defineAccelerated({
  name: 'EngineScaledDotProductAttention',
  reference({ q, k, v, mask }, attrs) {
    return tf.tidy(() => {
      const s = scores(q!, k!, mask, attrs as unknown as Attrs);
      // A row of nothing but -Infinity gives zeros, as PyTorch's, instead of NaN.
      const top = tf.maximum(tf.max(s, -1, true), -3e38);
      const e = tf.exp(tf.sub(s, top));
      const sum = tf.maximum(tf.sum(e, -1, true), TINY);
      const y = tf.div(tf.matMul(e, v!), sum);
      return [y, tf.squeeze(tf.add(tf.log(sum), top), [-1])];
    });
  },
  gradient: {
    inputsToSave: ['q', 'k', 'v'],
    outputsToSave: [true, true],
    gradFunc: (dys, saved, attrs) => {
      const [q, k, v, y, lse] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
      return grads({ dy: (dys as Tensor[])[0]!, q, k, v, y, lse }, attrs);
    },
  },
});

// What a kernel saves is fixed and must exist: hence a second name for the form with a mask.
defineAccelerated({
  name: 'EngineMaskedScaledDotProductAttention',
  reference: (inputs, attrs) => runAccelerated<Tensor[]>('EngineScaledDotProductAttention', inputs, attrs),
  gradient: {
    inputsToSave: ['q', 'k', 'v', 'mask'],
    outputsToSave: [true, true],
    gradFunc: (dys, saved, attrs) => {
      const [q, k, v, mask, y, lse] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      return grads({ dy: (dys as Tensor[])[0]!, q, k, v, mask, y, lse }, attrs);
    },
  },
});

function grads(inputs: Record<string, Tensor>, attrs: Record<string, unknown>): Record<string, () => Tensor> {
  const { scale, causal, maskGrad = false } = attrs;
  const [dq, dk, dv, dmask] = runAccelerated<Tensor[]>('EngineScaledDotProductAttentionGrad', inputs, {
    scale,
    causal,
    needMask: maskGrad,
  });
  return { q: () => dq!, k: () => dk!, v: () => dv!, mask: () => dmask! };
}

/** Sums a gradient over the axes along which its tensor was broadcast. */
function reduceTo(grad: Tensor, shape: readonly number[]): Tensor {
  const extra = grad.rank - shape.length;
  const axes = grad.shape
    .map((_, i) => i)
    .filter((i) => i < extra || (shape[i - extra] === 1 && grad.shape[i] !== 1));
  return tf.reshape(axes.length ? tf.sum(grad, axes) : grad, [...shape]);
}

/** Inputs {dy, q, k, v, y, lse, mask?}; outputs dq, dk, dv, and dmask with the attribute `needMask`. */
defineAccelerated({
  name: 'EngineScaledDotProductAttentionGrad',
  reference({ dy, q, k, v, y, lse, mask }, attrs) {
    const options = attrs as unknown as Attrs & { needMask: boolean };
    return tf.tidy(() => {
      const p = tf.exp(tf.sub(scores(q!, k!, mask, options), tf.expandDims(lse!, -1)));
      const dv = tf.matMul(p, dy!, true, false);
      const dp = tf.matMul(dy!, v!, false, true);
      const ds = tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dy!, y!), -1, true)));
      const scaled = tf.mul(ds, options.scale);
      const results = [tf.matMul(scaled, k!), tf.matMul(scaled, q!, true, false), dv];
      if (options.needMask) results.push(reduceTo(ds, mask!.shape));
      return results;
    });
  },
});

export interface AttentionOptions {
  /**
   * Broadcasts to [B, H, T, S]: a bool tensor says which keys each query may look at, a float32 one is added to the
   * scores (and differentiable).
   */
  mask?: Tensor | undefined;
  /** Query t looks at keys 0…t only; false unless said. May be combined with a mask. */
  causal?: boolean;
  /** Factor of the scores; 1 / sqrt(D) unless said. */
  scale?: number | undefined;
}

/**
 * softmax(q · kᵀ · scale + mask) · v, as PyTorch's `scaled_dot_product_attention`. A query that may look at nothing
 * gives zeros. Memory between the passes grows with T, not with T · S.
 * @param q [B, H, T, D]
 * @param k [B, H, S, D]
 * @param v [B, H, S, E]
 * @returns [B, H, T, E]
 * @throws E_CONFIG_VALUE when the shapes do not fit together
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { mask, causal = false, scale }: AttentionOptions = {},
): Tensor4D {
  const fits =
    [q, k, v].every((t) => t.rank === 4) &&
    [k, v].every((t) => t.shape[0] === q.shape[0] && t.shape[1] === q.shape[1]) &&
    q.shape[3] === k.shape[3] &&
    k.shape[2] === v.shape[2];
  if (!fits) {
    throw badValue(
      'scaledDotProductAttention.shapes',
      [q.shape, k.shape, v.shape],
      'q [B, H, T, D], k [B, H, S, D] and v [B, H, S, E]',
    );
  }
  const attrs = { scale: scale ?? 1 / Math.sqrt(q.shape[3]!), causal };
  return tf.tidy(() => {
    if (!mask) return runAccelerated<Tensor[]>('EngineScaledDotProductAttention', { q, k, v }, attrs)[0]!;
    const added = mask.dtype === 'bool' ? tf.where(mask, tf.scalar(0), tf.scalar(-Infinity)) : mask;
    return runAccelerated<Tensor[]>(
      'EngineMaskedScaledDotProductAttention',
      { q, k, v, mask: added },
      { ...attrs, maskGrad: mask.dtype !== 'bool' },
    )[0]!;
  }) as Tensor4D;
}
