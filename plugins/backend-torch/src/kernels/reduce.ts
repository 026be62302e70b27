import { tf } from '@engine/tensor';

import { aten, toScalar } from '../aten.js';
import { SCALAR, type Storage } from '../storage.js';
import { kernel, on } from './define.js';

interface Reduction {
  axis: number | number[];
  keepDims: boolean;
}

/** Axes from the first on; all of them when the caller names none. */
function axesOf(x: Storage, axis: number | number[]): number[] {
  return tf.util.parseAxisParam(axis, x.shape);
}

/** Reduces over several axes by an operator that knows one. */
function oneByOne(
  x: Storage,
  axes: number[],
  keepDims: boolean,
  reduce: (x: Storage, axis: number) => Storage,
): Storage {
  const reduced = [...axes].sort((a, b) => b - a).reduce((y, axis) => reduce(y, axis), x);
  if (!keepDims) return reduced;
  return aten('reshape', reduced, tf.backend_util.expandShapeToKeepDim(reduced.shape, axes));
}

kernel<Reduction>('Sum', ({ x }, { axis, keepDims }) => {
  const given = on(x);
  const axes = axesOf(given, axis);
  const type = given.scalar === SCALAR.bool ? SCALAR.int32 : given.scalar;
  if (axes.length === 0) return toScalar(given, type);
  return aten('sum.dim_IntList', given, axes, keepDims, type);
});

kernel<Reduction>('Mean', ({ x }, { axis, keepDims }) => {
  const given = on(x);
  const axes = axesOf(given, axis);
  const type = given.isFloat ? null : SCALAR.float32;
  if (axes.length === 0) return type === null ? given : toScalar(given, type);
  return aten('mean.dim', given, axes, keepDims, type);
});

for (const [name, op] of [
  ['Max', 'amax'],
  ['Min', 'amin'],
] as const) {
  kernel<Partial<Reduction> & { reductionIndices?: number[] }>(name, (inputs, attrs) => {
    const { axis, reductionIndices, keepDims } = attrs;
    const x = on(inputs.x);
    const axes = axesOf(x, (axis ?? reductionIndices)!);
    return axes.length === 0 ? x : aten(op, x, axes, keepDims);
  });
}

for (const [name, op] of [
  ['All', 'all.dim'],
  ['Any', 'any.dim'],
] as const) {
  kernel<Reduction>(name, (inputs, attrs) =>
    oneByOne(on(inputs.x), axesOf(on(inputs.x), attrs.axis), attrs.keepDims, (x, axis) =>
      aten(op, x, axis, false),
    ),
  );
}

kernel<Reduction>('Prod', (inputs, attrs) => {
  const x = on(inputs.x);
  const type = x.scalar === SCALAR.bool ? SCALAR.int32 : x.scalar;
  return toScalar(
    oneByOne(x, axesOf(x, attrs.axis), attrs.keepDims, (y, axis) =>
      aten('prod.dim_int', y, axis, false, type),
    ),
    type,
  );
});

for (const [name, op, worst] of [
  ['ArgMax', 'argmax', -Infinity],
  ['ArgMin', 'argmin', Infinity],
] as const) {
  kernel<{ axis: number }>(name, (inputs, { axis }) => {
    const x = on(inputs.x);
    // A NaN is never chosen.
    const number = x.isFloat
      ? aten('nan_to_num', x, worst, Infinity, -Infinity)
      : x.scalar === SCALAR.bool
        ? toScalar(x, SCALAR.int32)
        : x;
    return aten(op, number, axesOf(x, axis)[0] ?? 0, false);
  });
}

interface Cumulative {
  axis: number;
  exclusive: boolean;
  reverse: boolean;
}

for (const [name, op, first] of [
  ['Cumsum', 'cumsum', 0],
  ['Cumprod', 'cumprod', 1],
] as const) {
  kernel<Cumulative>(name, (inputs, { axis, exclusive, reverse }) => {
    const given = on(inputs.x);
    if (given.rank === 0) return given;
    const dim = axesOf(given, axis)[0]!;
    const type = given.scalar === SCALAR.bool ? SCALAR.int32 : given.scalar;
    let x = reverse ? aten('flip', given, [dim]) : given;
    if (exclusive) {
      const edge = [...x.shape];
      edge[dim] = 1;
      const shifted = aten('slice.Tensor', x, dim, 0, x.shape[dim]! - 1, 1);
      x = aten('cat', [aten('full', edge, first, type), toScalar(shifted, type)], dim);
    }
    const summed = aten(op, x, dim, type);
    return reverse ? aten('flip', summed, [dim]) : summed;
  });
}
