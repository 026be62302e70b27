import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { isConstant } from '../no-grad.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor1D, Tensor4D } from '../tf.js';

type Pair = [number, number];
/** Padding of zeros: top, bottom, left, right. */
export type Pads = [number, number, number, number];

interface Geometry {
  strides: Pair;
  pads: Pads;
  dilations: Pair;
  groups: number;
}

interface GradAttrs extends Geometry {
  needInput: boolean;
  needFilter: boolean;
  needBias: boolean;
}

type Padding = [Pair, Pair, Pair, Pair];

function explicit([top, bottom, left, right]: Pads): Padding {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

/** The filter with zeros between its taps, so that tfjs, which has no gradient for dilation, need not know of it. */
function dilate(filter: Tensor4D, [dh, dw]: Pair): Tensor4D {
  if (dh === 1 && dw === 1) return filter;
  const [h, w, i, o] = filter.shape;
  const spread = tf.pad(tf.reshape(filter, [h, 1, w, 1, i, o]), [
    [0, 0],
    [0, dh - 1],
    [0, 0],
    [0, dw - 1],
    [0, 0],
    [0, 0],
  ]);
  return tf.slice(tf.reshape(spread, [h * dh, w * dw, i, o]) as Tensor4D, 0, [
    (h - 1) * dh + 1,
    (w - 1) * dw + 1,
    i,
    o,
  ]);
}

function undilate(filter: Tensor4D, [dh, dw]: Pair): Tensor4D {
  if (dh === 1 && dw === 1) return filter;
  return tf.stridedSlice(filter, [0, 0, 0, 0], filter.shape, [dh, dw, 1, 1]) as Tensor4D;
}

function split(tensor: Tensor4D, groups: number): Tensor4D[] {
  return groups === 1 ? [tensor] : tf.split(tensor, groups, 3);
}

function join(parts: Tensor4D[]): Tensor4D {
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 3);
}

defineAccelerated({
  name: 'EngineConv2d',
  reference({ x, filter, bias }, attrs) {
    const { strides, pads, dilations, groups } = attrs as unknown as Geometry;
    return tf.tidy(() => {
      const filters = split(dilate(filter as Tensor4D, dilations), groups);
      const parts = split(x as Tensor4D, groups).map((part, g) =>
        tf.conv2d(part, filters[g]!, strides, explicit(pads)),
      );
      return bias ? tf.add(join(parts), bias) : join(parts);
    });
  },
  gradient: {
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, saved, attrs) => {
      const { inputGrad, filterGrad, biasGrad, ...geometry } = attrs;
      const [x, filter] = saved as [Tensor, Tensor];
      const compute = (
        needInput: boolean,
        needFilter: boolean,
        needBias: boolean,
      ): (Tensor | undefined)[] => {
        const found = runAccelerated<Tensor[]>(
          'EngineConv2dGrad',
          { dy: dy as Tensor, x, filter },
          { ...geometry, needInput, needFilter, needBias },
        );
        return [needInput, needFilter, needBias].map((need) => (need ? found.shift() : undefined));
      };
      // One call for all gradients that are expected, made now: what a thunk makes dies with the thunk's scope.
      const [dx, dfilter, dbias] = compute(inputGrad !== false, filterGrad !== false, biasGrad === true);
      return {
        x: () => dx ?? compute(true, false, false)[0]!,
        filter: () => dfilter ?? compute(false, true, false)[1]!,
        bias: () => dbias ?? compute(false, false, true)[2]!,
      };
    },
  },
});

defineAccelerated({
  name: 'EngineConv2dGrad',
  reference({ dy, x, filter }, attrs) {
    const { strides, pads, dilations, groups, needInput, needFilter, needBias } =
      attrs as unknown as GradAttrs;
    const shared = { strides, pad: explicit(pads), dataFormat: 'NHWC' } as unknown as tf.NamedAttrMap;
    return tf.tidy(() => {
      const dys = split(dy as Tensor4D, groups);
      const results: Tensor[] = [];
      if (needInput) {
        const inputShape = [...x!.shape.slice(0, 3), x!.shape[3]! / groups];
        const filters = split(dilate(filter as Tensor4D, dilations), groups);
        results.push(
          join(
            dys.map((part, g) => {
              const inputs = { dy: part, filter: filters[g]! };
              return tf
                .engine()
                .runKernel('Conv2DBackpropInput', inputs, { ...shared, inputShape }) as Tensor4D;
            }),
          ),
        );
      }
      if (needFilter) {
        const [h, w, i, o] = filter!.shape as [number, number, number, number];
        const filterShape = [(h - 1) * dilations[0] + 1, (w - 1) * dilations[1] + 1, i, o / groups];
        const xs = split(x as Tensor4D, groups);
        results.push(
          undilate(
            join(
              dys.map((part, g) => {
                const inputs = { x: xs[g]!, dy: part };
                return tf
                  .engine()
                  .runKernel('Conv2DBackpropFilter', inputs, { ...shared, filterShape }) as Tensor4D;
              }),
            ),
            dilations,
          ),
        );
      }
      if (needBias) results.push(tf.sum(dy!, [0, 1, 2]));
      return results;
    });
  },
});

export interface Conv2dOptions {
  /** [O], added to the result. */
  bias?: Tensor | undefined;
  /** [h, w]; [1, 1] unless said. */
  strides?: Pair;
  /** Zeros around the input: [top, bottom, left, right]; none unless said. */
  pads?: Pads;
  /** Distance of filter taps [h, w]; [1, 1] unless said. */
  dilations?: Pair;
  /** Input and output channels are cut into this many independent groups; 1 unless said. */
  groups?: number;
}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning). Output size: floor((size + pads -
 * dilation·(kernel - 1) - 1) / stride) + 1.
 * @param x [N, H, W, C]
 * @param filter [kernelH, kernelW, C / groups, O]
 * @returns [N, outH, outW, O]
 * @throws E_CONFIG_VALUE when the shapes do not fit together
 */
export function conv2d(
  x: Tensor,
  filter: Tensor,
  { bias, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], groups = 1 }: Conv2dOptions = {},
): Tensor4D {
  const [h, w, i, o] = filter.shape;
  if (x.rank !== 4 || filter.rank !== 4 || x.shape[3] !== i! * groups || o! % groups !== 0) {
    throw badValue(
      'conv2d.x.shape',
      x.shape,
      `[N, H, W, ${i! * groups}] for a filter [${filter.shape.join(', ')}] in ${groups} group${groups === 1 ? '' : 's'}`,
    );
  }
  const height = x.shape[1]! + pads[0] + pads[1] - dilations[0] * (h! - 1);
  const width = x.shape[2]! + pads[2] + pads[3] - dilations[1] * (w! - 1);
  if (height < 1 || width < 1) {
    throw badValue(
      'conv2d.x.shape',
      x.shape,
      `an image no smaller than the filter, ${h} by ${w}, after padding`,
    );
  }
  if (x.dtype !== 'float32')
    return tf.tidy(() => conv2d(tf.cast(x, 'float32'), filter, { bias, strides, pads, dilations, groups }));
  return runAccelerated<Tensor>(
    'EngineConv2d',
    bias ? { x, filter, bias: bias as Tensor1D } : { x, filter },
    {
      strides,
      pads,
      dilations,
      groups,
      inputGrad: !isConstant(x),
      filterGrad: !isConstant(filter),
      biasGrad: bias !== undefined && !isConstant(bias),
    },
  ) as Tensor4D;
}
