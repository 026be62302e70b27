import { aten, toScalar } from '../aten.js';
import { f32, kernel, on } from '../kernels/define.js';
import { SCALAR, type Storage } from '../storage.js';

/** Reduction of libtorch's losses: none. */
const NONE = 0;

/** Labels as a column of indices, and which of them are classes; others count as class 0. */
function classesOf(labels: Storage, count: number): { column: Storage; valid: Storage } {
  const valid = aten('logical_and', aten('ge.Scalar', labels, 0), aten('lt.Scalar', labels, count));
  const safe = aten('mul.Tensor', toScalar(labels, SCALAR.int64), toScalar(valid, SCALAR.int64));
  return { column: aten('unsqueeze', safe, 1), valid };
}

kernel('EngineNll', ({ logProbs, labels, weights }) => {
  const given = f32(on(logProbs));
  const { column, valid } = classesOf(on(labels), given.shape[1]!);
  const picked = aten('squeeze.dim', aten('gather', given, 1, column, false), 1);
  // Selected rather than multiplied: the log-probability of another class may be -Infinity.
  const chosen = aten('where.self', valid, picked, aten('zeros_like', picked));
  return aten('neg', aten('mul.Tensor', chosen, f32(on(weights))));
});

kernel<{ classes: number }>('EngineNllGrad', ({ dy, labels, weights }, { classes }) => {
  const { column, valid } = classesOf(on(labels), classes);
  const slope = aten('neg', aten('mul.Tensor', f32(on(dy)), f32(on(weights))));
  const values = aten('where.self', valid, slope, aten('zeros_like', slope));
  const zeros = aten('zeros', [slope.size, classes], SCALAR.float32);
  return aten('scatter.src', zeros, 1, column, aten('unsqueeze', values, 1));
});

kernel('EngineBceWithLogits', ({ logits, target }) =>
  aten('binary_cross_entropy_with_logits', f32(on(logits)), f32(on(target)), null, null, NONE),
);
kernel('EngineBceWithLogitsGrad', ({ dy, logits, target }) =>
  aten('mul.Tensor', on(dy), aten('sub.Tensor', aten('sigmoid', f32(on(logits))), f32(on(target)), 1)),
);
kernel('EngineBce', ({ x, target }) => aten('binary_cross_entropy', f32(on(x)), f32(on(target)), null, NONE));
kernel('EngineBceGrad', ({ dy, x, target }) =>
  aten('binary_cross_entropy_backward', f32(on(dy)), f32(on(x)), f32(on(target)), null, NONE),
);

kernel<{ delta: number }>('EngineHuber', ({ x }, { delta }) => {
  const given = f32(on(x));
  return aten('huber_loss', given, aten('zeros_like', given), NONE, delta);
});
kernel<{ delta: number }>('EngineHuberGrad', ({ dy, x }, { delta }) =>
  aten('mul.Tensor', on(dy), aten('clamp', on(x), -delta, delta)),
);
