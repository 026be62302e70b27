import { tf } from '@engine/tensor';

import { aten, atenAll, toScalar } from '../aten.js';
import { scalarType, type Storage } from '../storage.js';
import { kernel, on, onAll } from './define.js';
import { onCpu } from './fallback.js';

const { slice_util: sliceUtil, backend_util: util } = tf;

/** A packed tensor: a view of part of another would keep all of that alive and be slower to read. */
export function packed(x: Storage): Storage {
  return aten('contiguous', x);
}

kernel<tf.ReshapeAttrs>('Reshape', ({ x }, { shape }) => {
  const given = on(x);
  const size = given.size;
  const wanted = tf.util.inferFromImplicitShape(shape, size);
  tf.util.assert(
    size === tf.util.sizeFromShape(wanted),
    () =>
      `The new shape (${wanted}) has ${tf.util.sizeFromShape(wanted)} elements and the old shape (${given.shape}) ` +
      `has ${size} elements. The new shape and old shape must have the same number of elements.`,
  );
  return tf.util.arraysEqual(given.shape, wanted) ? given : aten('reshape', given, wanted);
});

kernel<tf.ExpandDimsAttrs>('ExpandDims', ({ input }, { dim }) => {
  const x = on(input);
  const shape = [...x.shape];
  tf.util.assert(
    -(x.rank + 1) <= dim && dim <= x.rank,
    () => `Axis must be in the interval [${-(x.rank + 1)}, ${x.rank}]`,
  );
  shape.splice(dim < 0 ? x.rank + dim + 1 : dim, 0, 1);
  return aten('reshape', x, shape);
});

// A view: matrix products and most operators take strides as they are.
kernel<tf.TransposeAttrs>('Transpose', ({ x }, { perm }) => aten('permute', on(x), perm));

function cut(x: Storage, begin: readonly number[], size: readonly number[]): Storage {
  let result = x;
  begin.forEach((from, dim) => {
    if (from !== 0 || size[dim] !== x.shape[dim]) {
      result = aten('slice.Tensor', result, dim, from, from + size[dim]!, 1);
    }
  });
  return result;
}

kernel<tf.SliceAttrs>('Slice', ({ x }, attrs) => {
  const given = on(x);
  const [begin, size] = sliceUtil.parseSliceParams(x as never, attrs.begin, attrs.size) as [
    number[],
    number[],
  ];
  sliceUtil.assertParamsValid(x as never, begin, size);
  return packed(cut(given, begin, size));
});

kernel<tf.StridedSliceAttrs>('StridedSlice', ({ x }, attrs) => {
  const given = on(x);
  const { finalShapeSparse, finalShape, isIdentity, sliceDim0, isSimpleSlice, begin, end, strides } =
    sliceUtil.sliceInfo(
      x!.shape,
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
  if (isIdentity) return aten('reshape', given, finalShape);
  if (sliceDim0 || isSimpleSlice) {
    const size = sliceUtil.computeOutShape(begin, end, strides);
    return aten('reshape', packed(cut(given, begin, size)), finalShape);
  }
  let result = given;
  strides.forEach((stride, dim) => {
    const count = finalShapeSparse[dim]!;
    if (stride > 0) result = aten('slice.Tensor', result, dim, begin[dim]!, end[dim]!, stride);
    else if (count > 0) {
      const last = begin[dim]! + (count - 1) * stride;
      result = aten('flip', aten('slice.Tensor', result, dim, last, begin[dim]! + 1, -stride), [dim]);
    } else result = aten('slice.Tensor', result, dim, 0, 0, 1);
  });
  return aten('reshape', packed(result), finalShape);
});

kernel<tf.ConcatAttrs>('Concat', (inputs, { axis }) => {
  const list = onAll(inputs);
  const dim = tf.util.parseAxisParam(axis, list[0]!.shape)[0]!;
  util.assertParamsConsistent(
    list.map((x) => x.shape),
    dim,
  );
  const wide = list.find((x) => x.isFloat) ?? list[0]!;
  return aten(
    'cat',
    list.map((x) => toScalar(x, wide.scalar)),
    dim,
  );
});

kernel<tf.PackAttrs>('Pack', (inputs, { axis }) => {
  const [first, ...rest] = Object.values(inputs);
  for (const info of rest) {
    tf.util.assert(
      info.dtype === first!.dtype,
      () => 'All tensors passed to stack must have matching dtypes',
    );
  }
  return aten('stack', onAll(inputs), axis);
});

kernel<tf.UnpackAttrs>('Unpack', ({ value }, { axis }) => {
  const x = on(value);
  const dim = axis < 0 ? axis + x.rank : axis;
  return Array.from({ length: x.shape[dim]! }, (_, i) => packed(aten('select.int', x, dim, i)));
});

kernel<tf.SplitVAttrs>('SplitV', ({ x }, { numOrSizeSplits, axis }) => {
  const given = on(x);
  const dim = tf.util.parseAxisParam(axis, given.shape)[0]!;
  const sizes = util.prepareSplitSize(x as never, numOrSizeSplits, dim);
  return atenAll('split_with_sizes', given, sizes, dim).map(packed);
});

kernel<tf.TileAttrs>('Tile', ({ x }, { reps }) => aten('repeat', on(x), reps));
kernel<tf.ReverseAttrs>('Reverse', ({ x }, { dims }) => {
  const given = on(x);
  return given.rank === 0 ? given : aten('flip', given, tf.util.parseAxisParam(dims, given.shape));
});
kernel('FlipLeftRight', ({ image }) => aten('flip', on(image), [2]));

kernel<tf.BroadCastToAttrs>('BroadcastTo', ({ x }, { shape }) => packed(aten('expand', on(x), shape)));

/** libtorch lists paddings from the last axis on. */
export function torchPads(paddings: readonly (readonly number[])[]): number[] {
  return [...paddings].reverse().flatMap((pair) => [...pair]);
}

kernel<tf.PadV2Attrs>('PadV2', ({ x }, { paddings, constantValue }) =>
  aten('constant_pad_nd', on(x), torchPads(paddings), constantValue),
);

kernel<tf.MirrorPadAttrs>('MirrorPad', ({ x }, { paddings, mode }) => {
  const edge = mode === 'reflect' ? 1 : 0;
  return paddings.reduce((y, [before, after], dim) => {
    if (before === 0 && after === 0) return y;
    const size = y.shape[dim]!;
    const head = aten('flip', aten('slice.Tensor', y, dim, edge, edge + before, 1), [dim]);
    const tail = aten('flip', aten('slice.Tensor', y, dim, size - edge - after, size - edge, 1), [dim]);
    return aten('cat', [head, y, tail], dim);
  }, on(x));
});

kernel<tf.FillAttrs>('Fill', (_inputs, { shape, value, dtype }) => {
  const type = dtype ?? tf.util.inferDtype(value);
  if (type === 'string') return onCpu('Fill', {}, { shape, value, dtype: type })[0]!;
  return aten('full', shape, Number(value), scalarType(type));
});

kernel('Diag', ({ x }) => {
  const given = on(x);
  const flat = aten('reshape', given, [given.size]);
  return aten('reshape', aten('diag_embed', flat), [...given.shape, ...given.shape]);
});

kernel<{ blockSize: number; dataFormat: string }>('DepthToSpace', ({ x }, { blockSize, dataFormat }) => {
  const given = on(x);
  tf.util.assert(
    dataFormat === 'NHWC',
    () => `Only NHWC dataFormat supported for depthToSpace. Got ${dataFormat}`,
  );
  const [n, h, w, c] = given.shape as [number, number, number, number];
  const depth = c / (blockSize * blockSize);
  const parts = aten('reshape', given, [n, h, w, blockSize, blockSize, depth]);
  return aten('reshape', aten('permute', parts, [0, 1, 3, 2, 4, 5]), [
    n,
    h * blockSize,
    w * blockSize,
    depth,
  ]);
});

kernel<tf.SpaceToBatchNDAttrs>('SpaceToBatchND', ({ x }, { blockShape, paddings }) => {
  const given = on(x);
  const product = blockShape.reduce((a, b) => a * b);
  const complete: number[][] = [[0, 0], ...paddings];
  while (complete.length < given.rank) complete.push([0, 0]);
  const padded = aten('constant_pad_nd', given, torchPads(complete), 0);
  const reshaped = util.getReshaped(padded.shape, blockShape, product, false);
  const permuted = util.getPermuted(reshaped.length, blockShape.length, false);
  const shape = util.getReshapedPermuted(padded.shape, blockShape, product, false);
  return aten('reshape', aten('permute', aten('reshape', padded, reshaped), permuted), shape);
});

kernel<tf.BatchToSpaceNDAttrs>('BatchToSpaceND', ({ x }, { blockShape, crops }) => {
  const given = on(x);
  const product = blockShape.reduce((a, b) => a * b);
  const reshaped = util.getReshaped(given.shape, blockShape, product);
  const permuted = util.getPermuted(reshaped.length, blockShape.length);
  const shape = util.getReshapedPermuted(given.shape, blockShape, product);
  const whole = aten('reshape', aten('permute', aten('reshape', given, reshaped), permuted), shape);
  const begin = util.getSliceBeginCoords(crops, blockShape.length);
  return packed(cut(whole, begin, util.getSliceSize(shape, crops, blockShape.length)));
});
