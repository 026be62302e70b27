import { badValue } from '@engine/core';
import { tf } from '@engine/tensor';
import type { ConvShape } from './conv-plan.js';

type Pair = [number, number];
type Shape4 = [number, number, number, number];

/** Attributes of tfjs's convolution kernels. */
export interface TfjsConvAttrs {
  strides: Pair | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: Pair | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Geometry as tfjs computes it.
 * @throws E_CONFIG_VALUE for channels before rows
 * @param filter HWIO, or `[h, w, channels, multiplier]` when `depthwise`
 */
export function tfjsConvShape(
  x: readonly number[],
  filter: readonly number[],
  attrs: TfjsConvAttrs,
  depthwise = false,
): ConvShape {
  if (attrs.dataFormat === 'NCHW')
    throw badValue('conv2d.dataFormat', 'NCHW', "'NHWC', the layout of the wasm backend");
  const info = tf.backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
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
    groups: depthwise ? info.inChannels : info.inChannels / filter[2]!,
  };
}

/** Attributes of `EngineConv2d`. */
export interface EngineConvAttrs {
  strides: readonly [number, number];
  /** top, bottom, left, right */
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  groups: number;
}

/** Geometry of `EngineConv2d`, as PyTorch computes it. */
export function engineConvShape(
  x: readonly number[],
  filter: readonly number[],
  attrs: EngineConvAttrs,
): ConvShape {
  const [images, height, width, channels] = x as Shape4;
  const [filterHeight, filterWidth, , outChannels] = filter as Shape4;
  const [top, bottom, left, right] = attrs.pads;
  const { strides, dilations, groups } = attrs;
  const span = (size: number, taps: number, dilation: number, stride: number): number =>
    Math.max(0, Math.floor((size - (taps - 1) * dilation - 1) / stride) + 1);
  return {
    images,
    height,
    width,
    channels,
    outHeight: span(height + top + bottom, filterHeight, dilations[0], strides[0]),
    outWidth: span(width + left + right, filterWidth, dilations[1], strides[1]),
    outChannels,
    filterHeight,
    filterWidth,
    strides,
    pads: [top, left],
    dilations,
    groups,
  };
}
