import { aten, atenAll, toScalar } from '../aten.js';
import { matmul } from '../gemm.js';
import { f32, kernel, on, type Inputs } from '../kernels/define.js';
import { SCALAR, type Storage } from '../storage.js';

kernel<{ epsilon: number }>('EngineLayerNorm', (inputs, { epsilon }) => {
  const x = on(inputs.x);
  return atenAll('native_layer_norm', x, x.shape.slice(-1), on(inputs.gamma), on(inputs.beta), epsilon);
});

kernel('EngineLayerNormGrad', ({ dy, x, gamma, mean, invStd }) => {
  const given = on(x);
  const norm = given.shape.slice(-1);
  // The gradient reads the shift's presence only, to know whether to compute its gradient.
  const scale = on(gamma);
  return atenAll('native_layer_norm_backward', on(dy), given, norm, on(mean), on(invStd), scale, scale, [
    true,
    true,
    true,
  ]);
});

const rows = (x: Storage): Storage => (x.rank === 2 ? x : aten('reshape', x, [-1, x.shape[x.rank - 1]!]));

kernel('EngineLinear', ({ x, weight, bias }) => {
  const given = on(x);
  const y = matmul(rows(given), on(weight), false, false, bias && on(bias));
  return given.rank === 2 ? y : aten('reshape', y, [...given.shape.slice(0, -1), y.shape[1]!]);
});

/** Multiplications up to which, and terms from which on, a weight's gradient is summed in double precision. */
const SMALL = 1 << 20;
const LONG = 128;

/** xᵀ g: a long sum, whose terms nearly cancel more often than not, is made exact where that is cheap. */
function weightGrad(x: Storage, g: Storage): Storage {
  const float32 = x.scalar === SCALAR.float32 && g.scalar === SCALAR.float32;
  if (!float32 || x.shape[0]! < LONG || x.size * g.shape[1]! > SMALL) return matmul(x, g, true, false);
  const [a, b] = [toScalar(x, SCALAR.double), toScalar(g, SCALAR.double)];
  return f32(aten('mm', aten('permute', a, [1, 0]), b));
}

interface Needs {
  needInput: boolean;
  needWeight: boolean;
  needBias: boolean;
}

kernel<Needs>('EngineLinearGrad', ({ dy, x, weight }, attrs) => {
  const given = on(x);
  const g = rows(on(dy));
  const results: Storage[] = [];
  if (attrs.needInput) {
    const dx = matmul(g, on(weight), false, true);
    results.push(given.rank === 2 ? dx : aten('reshape', dx, given.shape));
  }
  if (attrs.needWeight) results.push(weightGrad(rows(given), g));
  if (attrs.needBias) results.push(aten('sum.dim_IntList', g, [0], false));
  return results;
});

interface Attention {
  heads: number;
  scale: number;
  causal: boolean;
}

kernel<Attention>('EngineAttention', ({ q, k, v }, { heads, scale, causal }) =>
  atenAll('engine::attention', on(q), on(k), on(v), heads, scale, causal),
);
kernel<Attention>('EngineAttentionGrad', ({ dy, q, k, v, probs }, { heads, scale }) =>
  atenAll('engine::attention_grad', on(dy), on(q), on(k), on(v), on(probs), heads, scale),
);
kernel<Attention>('EngineSelfAttention', ({ qkv }, { heads, scale, causal }) =>
  atenAll('engine::self_attention', on(qkv), heads, scale, causal),
);
kernel<Attention>('EngineSelfAttentionGrad', ({ dy, qkv, probs }, { heads, scale }) =>
  aten('engine::self_attention_grad', on(dy), on(qkv), on(probs), heads, scale),
);

interface Dot {
  scale: number;
  causal: boolean;
}

/** Both kernels of scaled-dot-product attention: the mask may be absent. */
function dotAttention({ q, k, v, mask }: Inputs, { scale, causal }: Dot): Storage[] {
  return atenAll(
    'engine::sdpa',
    f32(on(q)),
    f32(on(k)),
    f32(on(v)),
    mask ? f32(on(mask)) : null,
    scale,
    causal,
  );
}

kernel<Dot>('EngineScaledDotProductAttention', dotAttention);
kernel<Dot>('EngineMaskedScaledDotProductAttention', dotAttention);
kernel<Dot & { needMask: boolean }>(
  'EngineScaledDotProductAttentionGrad',
  ({ dy, q, k, v, y, lse, mask }, { scale, causal, needMask }) => {
    const results = atenAll(
      'engine::sdpa_grad',
      ...[dy, q, k, v, y, lse].map((tensor) => f32(on(tensor))),
      mask ? f32(on(mask)) : null,
      scale,
      causal,
      needMask,
    );
    if (needMask) results[3] = summedTo(results[3]!, mask!.shape);
    return results;
  },
);

/** Sums a gradient over the axes along which its tensor was broadcast. */
function summedTo(grad: Storage, shape: readonly number[]): Storage {
  const extra = grad.rank - shape.length;
  const axes = grad.shape.flatMap((size, i) =>
    i < extra || (shape[i - extra] === 1 && size !== 1) ? [i] : [],
  );
  return aten('reshape', axes.length > 0 ? aten('sum.dim_IntList', grad, axes, false) : grad, shape);
}

interface Embedding {
  rows: number;
  paddingIndex: number;
  byFrequency: boolean;
}

kernel('EngineEmbedding', ({ weight, indices }) => aten('embedding', on(weight), on(indices)));
kernel<Embedding>('EngineEmbeddingGrad', ({ dy, indices }, { rows: count, paddingIndex, byFrequency }) =>
  aten('embedding_dense_backward', on(dy), on(indices), count, paddingIndex, byFrequency),
);
