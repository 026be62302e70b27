import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor, Tensor4D } from '../tf.js';
import type { Pads } from './conv2d.js';

type Pair = [number, number];

interface Geometry {
  strides: Pair;
  pads: Pads;
  dilations: Pair;
  groups: number;
}

interface Attrs extends Geometry {
  /** Less than the stride. */
  outputPadding: Pair;
}

function geometryOf({ strides, pads, dilations, groups }: Attrs): Geometry {
  return { strides, pads, dilations, groups };
}

/** (size - 1)·stride - pads + dilation·(kernel - 1) + 1, for height and width. */
function sizes(x: Tensor, filter: Tensor, { strides, pads, dilations }: Geometry): Pair {
  const along = (axis: 0 | 1): number =>
    (x.shape[axis + 1]! - 1) * strides[axis] -
    pads[2 * axis]! -
    pads[2 * axis + 1]! +
    dilations[axis] * (filter.shape[axis]! - 1) +
    1;
  return [along(0), along(1)];
}

// The transposed convolution with a filter [h, w, O / groups, I] is the gradient, with respect to its input, of the
// convolution with that very filter, from O channels to I.
defineAccelerated({
  name: 'EngineConvTranspose2d',
  reference({ x, filter, bias }, attrs) {
    const options = attrs as unknown as Attrs;
    return tf.tidy(() => {
      const [h, w] = sizes(x!, filter!, options);
      const [padH, padW] = options.outputPadding;
      const channels = filter!.shape[2]! * options.groups;
      // Only the shape of this one is looked at.
      const image = tf.zeros([x!.shape[0]!, h + padH, w + padW, channels]);
      const [y] = runAccelerated<Tensor[]>(
        'EngineConv2dGrad',
        { dy: x!, x: image, filter: filter! },
        { ...geometryOf(options), needInput: true, needFilter: false, needBias: false },
      );
      return bias ? tf.add(y!, bias) : y!;
    });
  },
  gradient: {
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, saved, attrs) => {
      const [x, filter] = saved as [Tensor, Tensor];
      const geometry = geometryOf(attrs as unknown as Attrs);
      return {
        x: () => runAccelerated<Tensor>('EngineConv2d', { x: dy as Tensor, filter }, { ...geometry }),
        filter: () =>
          runAccelerated<Tensor[]>(
            'EngineConv2dGrad',
            { dy: x, x: dy as Tensor, filter },
            { ...geometry, needInput: false, needFilter: true, needBias: false },
          )[0]!,
        bias: () => tf.sum(dy as Tensor, [0, 1, 2]),
      };
    },
  },
});

export interface ConvTranspose2dOptions {
  /** [O], added to the result. */
  bias?: Tensor | undefined;
  /** [h, w]; [1, 1] unless said. */
  strides?: Pair;
  /** What is cut from the result: [top, bottom, left, right]; nothing unless said. */
  pads?: Pads;
  /** Rows and columns added at the bottom and on the right: [h, w]; none unless said. */
  outputPadding?: Pair;
  /** Distance of filter taps [h, w]; [1, 1] unless said. */
  dilations?: Pair;
  /** Input and output channels are cut into this many independent groups; 1 unless said. */
  groups?: number;
}

/**
 * Transposed two-dimensional convolution, the gradient of a convolution as a layer (M. Zeiler et al. 2010). Output
 * size: (size - 1)·stride - pads + dilation·(kernel - 1) + outputPadding + 1.
 * @param x [N, H, W, I]
 * @param filter [kernelH, kernelW, O / groups, I]
 * @returns [N, outH, outW, O]
 * @throws E_CONFIG_VALUE when the shapes do not fit together
 */
export function convTranspose2d(
  x: Tensor,
  filter: Tensor,
  {
    bias,
    strides = [1, 1],
    pads = [0, 0, 0, 0],
    outputPadding = [0, 0],
    dilations = [1, 1],
    groups = 1,
  }: ConvTranspose2dOptions = {},
): Tensor4D {
  const inputs = filter.shape[3]!;
  if (x.rank !== 4 || filter.rank !== 4 || x.shape[3] !== inputs || inputs % groups !== 0) {
    throw badValue(
      'convTranspose2d.x.shape',
      x.shape,
      `[N, H, W, ${inputs}], channels divisible by ${groups}`,
    );
  }
  const geometry = { strides, pads, dilations, groups };
  const least = Math.min(...sizes(x, filter, geometry).map((size, axis) => size + outputPadding[axis]!));
  if (least < 1) throw badValue('convTranspose2d.pads', pads, 'padding that leaves something of the result');
  if (outputPadding.some((size, axis) => size >= strides[axis]!)) {
    return padded(x, filter, { ...geometry, bias, outputPadding });
  }
  return runAccelerated<Tensor>('EngineConvTranspose2d', bias ? { x, filter, bias } : { x, filter }, {
    ...geometry,
    outputPadding,
  }) as Tensor4D;
}

/** Output padding of a whole stride or more: less is cut off, and what lies beyond every tap is the bias alone. */
function padded(
  x: Tensor,
  filter: Tensor,
  { bias, pads, outputPadding, ...rest }: Geometry & { bias: Tensor | undefined; outputPadding: Pair },
): Tensor4D {
  const [top, bottom, left, right] = pads;
  const cut: Pads = [
    top,
    Math.max(0, bottom - outputPadding[0]),
    left,
    Math.max(0, right - outputPadding[1]),
  ];
  return tf.tidy(() => {
    const y = tf.pad(convTranspose2d(x, filter, { ...rest, pads: cut }), [
      [0, 0],
      [0, Math.max(0, outputPadding[0] - bottom)],
      [0, Math.max(0, outputPadding[1] - right)],
      [0, 0],
    ]);
    return bias ? tf.add(y, bias) : y;
  });
}
