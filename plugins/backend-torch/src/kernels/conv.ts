import { tf } from '@engine/tensor';

import { aten, atenAll } from '../aten.js';
import { convolve, convolveGrad, type Geometry } from '../convolution.js';
import type { Storage } from '../storage.js';
import { kernel, on } from './define.js';
import { activate } from './matmul.js';
import { torchPads } from './shape.js';

const { backend_util: util } = tf;
type Info = tf.backend_util.Conv2DInfo;

function geometry(info: Info, groups: number): Geometry {
  const { top, bottom, left, right } = info.padInfo;
  return {
    strides: [info.strideHeight, info.strideWidth],
    pads: [top, bottom, left, right],
    dilations: [info.dilationHeight, info.dilationWidth],
    groups,
  };
}

interface Attrs {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dilations?: [number, number] | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function infoOf(x: readonly number[], filter: readonly number[], attrs: Attrs, depthwise = false): Info {
  return util.computeConv2DInfo(
    x as never,
    filter as never,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
    util.convertConv2DDataFormat(attrs.dataFormat ?? 'NHWC'),
  );
}

/** Runs with channels last whatever the format of the caller. */
function nhwc(x: Storage, attrs: Attrs): Storage {
  return attrs.dataFormat === 'NCHW' ? aten('permute', x, [0, 2, 3, 1]) : x;
}
function back(x: Storage, attrs: Attrs): Storage {
  return attrs.dataFormat === 'NCHW' ? aten('permute', x, [0, 3, 1, 2]) : x;
}

/** Groups: the filter says how many channels it reads. */
const groupsOf = (info: Info, filter: readonly number[]): number => info.inChannels / filter[2]!;

kernel<Attrs>('Conv2D', (inputs, attrs) => {
  const [x, filter] = [on(inputs.x), on(inputs.filter)];
  const info = infoOf(x.shape, filter.shape, attrs);
  return back(convolve(nhwc(x, attrs), filter, null, geometry(info, groupsOf(info, filter.shape))), attrs);
});

kernel<Attrs & { inputShape: number[] }>('Conv2DBackpropInput', (inputs, attrs) => {
  const [dy, filter] = [on(inputs.dy), on(inputs.filter)];
  const info = infoOf(attrs.inputShape, filter.shape, attrs);
  const shape = [info.batchSize, info.inHeight, info.inWidth, info.inChannels];
  const x = aten('empty.memory_format', shape, dy.scalar);
  const g = geometry(info, groupsOf(info, filter.shape));
  return back(convolveGrad(nhwc(dy, attrs), x, filter, g, [true, false, false])[0], attrs);
});

kernel<Attrs & { filterShape: number[] }>('Conv2DBackpropFilter', (inputs, attrs) => {
  const [x, dy] = [on(inputs.x), on(inputs.dy)];
  const info = infoOf(x.shape, attrs.filterShape, attrs);
  const filter = aten('empty.memory_format', attrs.filterShape, x.scalar);
  const g = geometry(info, groupsOf(info, attrs.filterShape));
  return convolveGrad(nhwc(dy, attrs), nhwc(x, attrs), filter, g, [false, true, false])[1];
});

kernel<Attrs & { activation?: string; leakyreluAlpha?: number }>('FusedConv2D', (inputs, attrs) => {
  const { x, filter, bias, preluActivationWeights } = inputs;
  const info = infoOf(x!.shape, filter!.shape, attrs);
  const given = nhwc(on(x), attrs);
  const flat = bias && bias.shape.length === 1 && bias.shape[0] === info.outChannels ? on(bias) : null;
  let y = back(convolve(given, on(filter), flat, geometry(info, groupsOf(info, filter!.shape))), attrs);
  if (bias && !flat) y = aten('add.Tensor', y, channelwise(on(bias), attrs), 1);
  const weights = preluActivationWeights && channelwise(on(preluActivationWeights), attrs);
  return activate(y, attrs.activation, weights, attrs.leakyreluAlpha);
});

/** A vector with one entry for each channel, where the channels are. */
function channelwise(v: Storage, attrs: Attrs): Storage {
  return attrs.dataFormat === 'NCHW' && v.rank === 1 ? aten('reshape', v, [v.size, 1, 1]) : v;
}

/** A depthwise filter [h, w, C, M] as the grouped one [h, w, 1, C·M] that it is. */
const grouped = (filter: Storage): Storage =>
  aten('reshape', filter, [filter.shape[0]!, filter.shape[1]!, 1, filter.shape[2]! * filter.shape[3]!]);

kernel<Attrs>('DepthwiseConv2dNative', (inputs, attrs) => {
  const [x, filter] = [on(inputs.x), on(inputs.filter)];
  const info = infoOf(x.shape, filter.shape, attrs, true);
  return back(convolve(nhwc(x, attrs), grouped(filter), null, geometry(info, info.inChannels)), attrs);
});

kernel<Attrs & { inputShape: number[] }>('DepthwiseConv2dNativeBackpropInput', (inputs, attrs) => {
  const [dy, filter] = [on(inputs.dy), on(inputs.filter)];
  const info = infoOf(attrs.inputShape, filter.shape, attrs, true);
  const x = aten('empty.memory_format', attrs.inputShape, dy.scalar);
  return convolveGrad(dy, x, grouped(filter), geometry(info, info.inChannels), [true, false, false])[0];
});

kernel<Attrs & { filterShape: number[] }>('DepthwiseConv2dNativeBackpropFilter', (inputs, attrs) => {
  const [x, dy] = [on(inputs.x), on(inputs.dy)];
  const info = infoOf(x.shape, attrs.filterShape, attrs, true);
  const filter = grouped(aten('empty.memory_format', attrs.filterShape, x.scalar));
  const g = geometry(info, info.inChannels);
  const [, dfilter] = convolveGrad(dy, x, filter, g, [false, true, false]);
  return aten('reshape', dfilter, attrs.filterShape);
});

kernel<Attrs & { activation?: string; leakyreluAlpha?: number }>('FusedDepthwiseConv2D', (inputs, attrs) => {
  const { x, filter, bias, preluActivationWeights } = inputs;
  const info = infoOf(x!.shape, filter!.shape, attrs, true);
  let y = convolve(nhwc(on(x), attrs), grouped(on(filter)), null, geometry(info, info.inChannels));
  y = back(y, attrs);
  if (bias) y = aten('add.Tensor', y, channelwise(on(bias), attrs), 1);
  const weights = preluActivationWeights && channelwise(on(preluActivationWeights), attrs);
  return activate(y, attrs.activation, weights, attrs.leakyreluAlpha);
});

interface Attrs3d {
  strides: [number, number, number] | number;
  pad: 'valid' | 'same';
  dilations?: [number, number, number] | number;
}

const toNcdhw = (x: Storage): Storage => aten('permute', x, [0, 4, 1, 2, 3]);
const toNdhwc = (x: Storage): Storage => aten('permute', x, [0, 2, 3, 4, 1]);
const toOidhw = (filter: Storage): Storage => aten('permute', filter, [4, 3, 0, 1, 2]);

/** Everything that the three kernels over volumes need. */
function volume(x: readonly number[], filter: readonly number[], attrs: Attrs3d) {
  const info = util.computeConv3DInfo(
    x as never,
    filter as never,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
  );
  const { front, back: behind, top, bottom, left, right } = info.padInfo;
  const pads = [
    [0, 0],
    [front, behind],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return {
    pads: torchPads(pads),
    before: [front, top, left],
    rest: [
      [info.strideDepth, info.strideHeight, info.strideWidth],
      [0, 0, 0],
      [info.dilationDepth, info.dilationHeight, info.dilationWidth],
      false,
      [0, 0, 0],
      1,
    ] as const,
  };
}

kernel<Attrs3d>('Conv3D', (inputs, attrs) => {
  const [x, filter] = [on(inputs.x), on(inputs.filter)];
  const { pads, rest } = volume(x.shape, filter.shape, attrs);
  const input = toNcdhw(aten('constant_pad_nd', x, pads, 0));
  return aten('contiguous', toNdhwc(aten('convolution', input, toOidhw(filter), null, ...rest)));
});

kernel<Attrs3d & { inputShape: number[] }>('Conv3DBackpropInputV2', (inputs, attrs) => {
  const [dy, filter] = [on(inputs.dy), on(inputs.filter)];
  const { pads, before, rest } = volume(attrs.inputShape, filter.shape, attrs);
  const x = toNcdhw(aten('constant_pad_nd', aten('zeros', attrs.inputShape, dy.scalar), pads, 0));
  const [dx] = atenAll('convolution_backward', toNcdhw(dy), x, toOidhw(filter), null, ...rest, [
    true,
    false,
    false,
  ]);
  const inner = before.reduce(
    (y, from, i) => aten('slice.Tensor', y, i + 1, from, from + attrs.inputShape[i + 1]!, 1),
    toNdhwc(dx!),
  );
  return aten('contiguous', inner);
});

kernel<Attrs3d & { filterShape: number[] }>('Conv3DBackpropFilterV2', (inputs, attrs) => {
  const [x, dy] = [on(inputs.x), on(inputs.dy)];
  const { pads, rest } = volume(x.shape, attrs.filterShape, attrs);
  const filter = toOidhw(aten('zeros', attrs.filterShape, x.scalar));
  const input = toNcdhw(aten('constant_pad_nd', x, pads, 0));
  const found = atenAll('convolution_backward', toNcdhw(dy), input, filter, null, ...rest, [
    false,
    true,
    false,
  ]);
  return aten('contiguous', aten('permute', found[1]!, [2, 3, 4, 1, 0]));
});
