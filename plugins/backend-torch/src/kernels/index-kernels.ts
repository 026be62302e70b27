import { tf } from '@engine/tensor';

import { aten, atenAll, toScalar } from '../aten.js';
import { SCALAR, scalarType, type Storage } from '../storage.js';
import { kernel, on } from './define.js';
import { onCpu } from './fallback.js';

const long = (x: Storage): Storage => toScalar(x, SCALAR.int64);

/** Bool and integer matrices have no embedding kernels; rows are gathered by index_select, whatever the type. */
function rows(x: Storage, axis: number, indices: Storage): Storage {
  return aten('index_select', x, axis, indices);
}

kernel<tf.GatherV2Attrs>('GatherV2', (inputs, { axis, batchDims }) => {
  const [x, indices] = [on(inputs.x), on(inputs.indices)];
  const dim = tf.util.parseAxisParam(axis, x.shape)[0]!;
  const batch = batchDims ?? 0;
  tf.backend_util.segment_util.collectGatherOpShapeInfo(
    inputs.x as never,
    inputs.indices as never,
    dim,
    batch,
  );
  const flat = aten('reshape', indices, [indices.size]);
  checkRange(flat, x.shape[dim]!);
  if (batch === 0) {
    const shape = [...x.shape.slice(0, dim), ...indices.shape, ...x.shape.slice(dim + 1)];
    return aten('reshape', rows(x, dim, flat), shape);
  }
  const lead = x.shape.slice(0, batch).reduce((a, b) => a * b, 1);
  const outer = x.shape.slice(batch, dim).reduce((a, b) => a * b, 1);
  const inner = x.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  const places = long(aten('reshape', indices, [lead, 1, indices.size / lead, 1]));
  const spread = aten('expand', places, [lead, outer, indices.size / lead, inner]);
  const picked = aten('gather', aten('reshape', x, [lead, outer, x.shape[dim]!, inner]), 2, spread, false);
  return aten('reshape', picked, [
    ...x.shape.slice(0, dim),
    ...indices.shape.slice(batch),
    ...x.shape.slice(dim + 1),
  ]);
});

/** index_select itself refuses what is out of range; an empty axis it does not. */
function checkRange(indices: Storage, length: number): void {
  if (length === 0 && indices.size > 0) throw new RangeError('cannot gather from an empty axis');
}

/** One number for the several coordinates of each row of `indices`. */
function flatten(indices: Storage, shape: readonly number[]): Storage {
  const depth = indices.shape[indices.rank - 1]!;
  const strides: number[] = [];
  for (let i = 0, stride = 1; i < depth; i++) {
    strides.unshift(stride);
    stride *= shape[depth - 1 - i]!;
  }
  return strides.reduce<Storage | undefined>((sum, stride, i) => {
    const part = aten('mul.Scalar', long(aten('select.int', indices, -1, i)), stride);
    return sum ? aten('add.Tensor', sum, part, 1) : part;
  }, undefined)!;
}

kernel('GatherNd', ({ params, indices }) => {
  const [x, places] = [on(params), on(indices)];
  const depth = places.shape[places.rank - 1]!;
  const shape = [...places.shape.slice(0, -1), ...x.shape.slice(depth)];
  const lead = x.shape.slice(0, depth);
  const count = lead.reduce((a, b) => a * b, 1);
  const slice = x.size / Math.max(1, count);
  if (depth === 0 || x.size === 0) {
    return aten(
      'contiguous',
      aten('expand', aten('reshape', x, [...places.shape.slice(0, -1).map(() => 1), ...x.shape]), shape),
    );
  }
  const flat = aten('reshape', flatten(places, lead), [-1]);
  return aten('reshape', aten('index_select', aten('reshape', x, [count, slice]), 0, flat), shape);
});

/** `base` with the updates added (or put) at the rows that the indices name. */
function scatter(
  base: Storage,
  indices: Storage,
  updates: Storage,
  shape: readonly number[],
  add: boolean,
): Storage {
  const depth = indices.rank === 0 ? 1 : indices.shape[indices.rank - 1]!;
  const { sliceRank, numUpdates, sliceSize, outputSize } = tf.backend_util.calculateShapes(
    updates as never,
    indices as never,
    [...shape],
  );
  if (outputSize === 0) return aten('reshape', base, shape);
  const matrix = aten('reshape', indices, [numUpdates, sliceRank]);
  const flat = flatten(matrix, shape.slice(0, depth));
  const table = aten('reshape', base, [outputSize / sliceSize, sliceSize]);
  const values = toScalar(
    aten(
      'reshape',
      updates.size === 1 && numUpdates * sliceSize > 1
        ? aten('expand', updates, [numUpdates, sliceSize])
        : updates,
      [numUpdates, sliceSize],
    ),
    base.scalar,
  );
  const result = add
    ? aten('index_add', table, 0, flat, values, 1)
    : aten('index_copy', table, 0, flat, values);
  return aten('reshape', result, shape);
}

kernel<tf.ScatterNdAttrs>('ScatterNd', (inputs, { shape }) => {
  const [indices, updates] = [on(inputs.indices), on(inputs.updates)];
  return scatter(aten('zeros', shape, updates.scalar), indices, updates, shape, true);
});

kernel('TensorScatterUpdate', ({ tensor, indices, updates }) => {
  const base = on(tensor);
  return scatter(base, on(indices), on(updates), base.shape, false);
});

kernel<tf.SparseToDenseAttrs>('SparseToDense', (inputs, { outputShape }) => {
  const { sparseIndices, sparseValues, defaultValue } = inputs;
  if (sparseValues!.dtype === 'string') return sparseStrings(inputs, outputShape);
  const [indices, values] = [on(sparseIndices), on(sparseValues)];
  const base = aten('contiguous', aten('expand', toScalar(on(defaultValue), values.scalar), outputShape));
  return scatter(base, indices, values, outputShape, false);
});

function sparseStrings(
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  outputShape: readonly number[],
): Storage {
  return onCpu('SparseToDense', inputs, { outputShape: [...outputShape] })[0]!;
}

kernel<tf.OneHotAttrs>('OneHot', ({ indices }, { depth, dtype, onValue, offValue }) => {
  const places = on(indices);
  const range = aten('arange', depth, places.scalar);
  const hot = aten('eq.Tensor', aten('unsqueeze', places, -1), range);
  return toScalar(aten('where.Scalar', hot, onValue, offValue), scalarType(dtype));
});

kernel<tf.UnsortedSegmentSumAttrs>('UnsortedSegmentSum', ({ x, segmentIds }, { numSegments }) => {
  const [given, ids] = [on(x), on(segmentIds)];
  const zeros = aten('zeros', [numSegments, ...given.shape.slice(ids.rank)], given.scalar);
  const flatX = ids.rank === 1 ? given : aten('reshape', given, [ids.size, ...given.shape.slice(ids.rank)]);
  const flat = aten('reshape', ids, [ids.size]);
  const counted = aten('logical_and', aten('ge.Scalar', flat, 0), aten('lt.Scalar', flat, numSegments));
  const masked = aten(
    'mul.Tensor',
    flatX,
    toScalar(aten('reshape', counted, [ids.size, ...given.shape.slice(ids.rank).map(() => 1)]), given.scalar),
  );
  return aten('index_add', zeros, 0, aten('clamp', flat, 0, Math.max(0, numSegments - 1)), masked, 1);
});

kernel<tf.TopKAttrs>('TopK', ({ x }, { k, sorted }) => {
  const given = on(x);
  if (k === 0 || given.rank === 0) {
    return [
      given.rank === 0 ? given : aten('zeros', [...given.shape.slice(0, -1), 0], given.scalar),
      aten('zeros', given.rank === 0 ? [] : [...given.shape.slice(0, -1), 0], SCALAR.int32),
    ];
  }
  // Equal values keep their order, which topk does not promise.
  void sorted;
  const [values, indices] = atenAll('sort.stable', given, true, -1, true) as [Storage, Storage];
  const first = (y: Storage): Storage => aten('contiguous', aten('slice.Tensor', y, -1, 0, k, 1));
  return [first(values), first(indices)];
});

for (const [name, right] of [
  ['LowerBound', false],
  ['UpperBound', true],
] as const) {
  kernel<{ dtype?: string }>(name, ({ sortedSequence, values }) =>
    aten('searchsorted.Tensor', on(sortedSequence), on(values), true, right),
  );
}
