import { aten, atenAll } from '../aten.js';
import { matmul } from '../gemm.js';
import { kernel, on } from '../kernels/define.js';
import type { Storage } from '../storage.js';

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

kernel('EngineGelu', ({ x }) => aten('gelu', on(x), 'none'));
kernel('EngineGeluGrad', ({ dy, x }) => aten('gelu_backward', on(dy), on(x), 'none'));
kernel('EngineSilu', ({ x }) => aten('silu', on(x)));
kernel('EngineSiluGrad', ({ dy, x }) => aten('silu_backward', on(dy), on(x)));

const rows = (x: Storage): Storage => (x.rank === 2 ? x : aten('reshape', x, [-1, x.shape[x.rank - 1]!]));

kernel('EngineLinear', ({ x, weight, bias }) => {
  const given = on(x);
  const y = matmul(rows(given), on(weight), false, false, bias && on(bias));
  return given.rank === 2 ? y : aten('reshape', y, [...given.shape.slice(0, -1), y.shape[1]!]);
});

kernel<{ needInput: boolean; needBias: boolean }>('EngineLinearGrad', ({ dy, x, weight }, attrs) => {
  const given = on(x);
  const g = rows(on(dy));
  const results = [matmul(rows(given), g, true, false)];
  if (attrs.needInput) {
    const dx = matmul(g, on(weight), false, true);
    results.push(given.rank === 2 ? dx : aten('reshape', dx, given.shape));
  }
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
