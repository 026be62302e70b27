import { tf } from '@engine/tensor';
import { convFilterGrad, convForward, convInputGrad } from '../conv.js';
import type { ConvShape } from '../conv-plan.js';
import type { EngineWasm } from '../engine-wasm.js';
import { RELU } from '../kernel-ids.js';
import { sumColumns } from '../reductions.js';
import { tfjsKernel, type KernelCall, type WasmKernel } from './install.js';

type Pair = [number, number];

interface TfjsConvAttrs {
  strides: Pair | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: Pair | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Geometry as tfjs computes it from a kernel's attributes. */
function tfjsShape(x: readonly number[], filter: readonly number[], attrs: TfjsConvAttrs): ConvShape {
  if (attrs.dataFormat === 'NCHW') throw new Error('The wasm backend convolves NHWC only.');
  const info = tf.backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  return {
    images: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    strides: [info.strideHeight, info.strideWidth],
    pads: [info.padInfo.top, info.padInfo.left],
    dilations: [info.dilationHeight, info.dilationWidth],
    groups: info.inChannels / filter[2]!,
  };
}

interface EngineConvAttrs {
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  groups: number;
}

function engineShape(x: readonly number[], filter: readonly number[], attrs: EngineConvAttrs): ConvShape {
  const [images, height, width, channels] = x as [number, number, number, number];
  const [filterHeight, filterWidth, , outChannels] = filter as [number, number, number, number];
  const [top, bottom, left, right] = attrs.pads;
  const { strides, dilations, groups } = attrs;
  const span = (
    size: number,
    before: number,
    after: number,
    taps: number,
    dilation: number,
    stride: number,
  ): number => Math.max(0, Math.floor((size + before + after - (taps - 1) * dilation - 1) / stride) + 1);
  return {
    images,
    height,
    width,
    channels,
    outHeight: span(height, top, bottom, filterHeight, dilations[0], strides[0]),
    outWidth: span(width, left, right, filterWidth, dilations[1], strides[1]),
    outChannels,
    filterHeight,
    filterWidth,
    strides,
    pads: [top, left],
    dilations,
    groups,
  };
}

function forward(
  backend: EngineWasm,
  s: ConvShape,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  flags = 0,
): tf.TensorInfo {
  const y = backend.output([s.images, s.outHeight, s.outWidth, s.outChannels]);
  convForward(
    backend.runtime,
    s,
    backend.address(x),
    backend.address(filter),
    backend.address(y),
    bias ? backend.address(bias) : 0,
    flags,
  );
  return y;
}

function inputGrad(
  backend: EngineWasm,
  s: ConvShape,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
): tf.TensorInfo {
  const dx = backend.output([s.images, s.height, s.width, s.channels]);
  convInputGrad(backend.runtime, s, backend.address(dy), backend.address(filter), backend.address(dx));
  return dx;
}

function filterGrad(backend: EngineWasm, s: ConvShape, x: tf.TensorInfo, dy: tf.TensorInfo): tf.TensorInfo {
  const filter = backend.output([s.filterHeight, s.filterWidth, s.channels / s.groups, s.outChannels]);
  convFilterGrad(backend.runtime, s, backend.address(x), backend.address(dy), backend.address(filter));
  return filter;
}

interface EngineConvGradAttrs extends EngineConvAttrs {
  needInput: boolean;
  needFilter: boolean;
  needBias: boolean;
}

function engineConvGrad({ backend, inputs, attrs }: KernelCall): tf.TensorInfo[] {
  const { dy, x, filter } = inputs as { dy: tf.TensorInfo; x: tf.TensorInfo; filter: tf.TensorInfo };
  const { needInput, needFilter, needBias, ...rest } = attrs as unknown as EngineConvGradAttrs;
  const s = engineShape(x.shape, filter.shape, rest);
  const grads: tf.TensorInfo[] = [];
  if (needInput) grads.push(inputGrad(backend, s, dy, filter));
  if (needFilter) grads.push(filterGrad(backend, s, x, dy));
  if (needBias) grads.push(sumColumns(backend, dy, s.outChannels));
  return grads;
}

/** Convolutions and their gradients. Call once, before tfjs's kernels are replaced. */
export function convKernels(): WasmKernel[] {
  const fusedByTfjs = tfjsKernel('FusedConv2D');
  return [
    {
      name: 'EngineConv2d',
      run: ({ backend, inputs, attrs }) => {
        const { x, filter, bias } = inputs as {
          x: tf.TensorInfo;
          filter: tf.TensorInfo;
          bias?: tf.TensorInfo;
        };
        return forward(
          backend,
          engineShape(x.shape, filter.shape, attrs as unknown as EngineConvAttrs),
          x,
          filter,
          bias,
        );
      },
    },
    { name: 'EngineConv2dGrad', run: engineConvGrad },
    {
      name: 'Conv2D',
      run: ({ backend, inputs, attrs }) => {
        const { x, filter } = inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
        return forward(
          backend,
          tfjsShape(x.shape, filter.shape, attrs as unknown as TfjsConvAttrs),
          x,
          filter,
          undefined,
        );
      },
    },
    {
      name: 'FusedConv2D',
      run: (call) => {
        const { x, filter, bias } = call.inputs as {
          x: tf.TensorInfo;
          filter: tf.TensorInfo;
          bias?: tf.TensorInfo;
        };
        const attrs = call.attrs as unknown as TfjsConvAttrs & { activation: string };
        const plainBias = !bias || tf.util.sizeFromShape(bias.shape) === filter.shape[3];
        if (!plainBias || (attrs.activation !== 'linear' && attrs.activation !== 'relu'))
          return fusedByTfjs(call);
        const s = tfjsShape(x.shape, filter.shape, attrs);
        return forward(call.backend, s, x, filter, bias, attrs.activation === 'relu' ? RELU : 0);
      },
    },
    {
      name: 'Conv2DBackpropInput',
      run: ({ backend, inputs, attrs }) => {
        const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
        const options = attrs as unknown as TfjsConvAttrs & { inputShape: number[] };
        return inputGrad(backend, tfjsShape(options.inputShape, filter.shape, options), dy, filter);
      },
    },
    {
      name: 'Conv2DBackpropFilter',
      run: ({ backend, inputs, attrs }) => {
        const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
        const options = attrs as unknown as TfjsConvAttrs & { filterShape: number[] };
        return filterGrad(backend, tfjsShape(x.shape, options.filterShape, options), x, dy);
      },
    },
  ];
}
