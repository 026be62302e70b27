import { badValue, type RandomStream } from '@engine/core';
import {
  noGrad,
  randomNormal,
  randomUniform,
  tf,
  truncatedNormal,
  type Tensor,
  type Variable,
} from '@engine/tensor';

import type { Module } from '../module.js';
import { infoOf } from '../parameter.js';
import { assign } from '../state-dict.js';

/** Gives the random stream of a variable; initialisation asks it once for each variable it draws. */
export type VariableStream = (variable: Variable) => RandomStream;

export type FanMode = 'fan_in' | 'fan_out';
export type Distribution = 'normal' | 'uniform';
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leaky_relu' | 'selu';

/**
 * Numbers of inputs and outputs that a weight connects, by PyTorch's rules, from its memory layout.
 * @throws E_CONFIG_VALUE for a weight with fewer than two axes
 */
export function fans(weight: Variable): { fanIn: number; fanOut: number } {
  const { shape } = weight;
  if (shape.length < 2) {
    throw badValue(
      'weight.shape',
      shape,
      'at least two axes, to count inputs and outputs',
      'initialise it by a rule without fans, such as Constant',
    );
  }
  const { layout } = infoOf(weight);
  if (layout === 'none') {
    const field = shape.slice(2).reduce((a, b) => a * b, 1);
    return { fanIn: shape[1]! * field, fanOut: shape[0]! * field };
  }
  const [a, b] = shape.slice(-2) as [number, number];
  const field = shape.slice(0, -2).reduce((x, y) => x * y, 1);
  if (layout === 'HWIM') return { fanIn: field, fanOut: a * b * field };
  // PyTorch counts axis 1 as inputs and axis 0 as outputs: the last two axes here, save that a transposed
  // convolution's weight is stored input first.
  return { fanIn: a * field, fanOut: b * field };
}

/** Gain of a non-linearity, as `torch.nn.init.calculate_gain`. */
export function gainOf(nonlinearity: Nonlinearity, slope = 0.01): number {
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + slope * slope));
    case 'selu':
      return 3 / 4;
    default:
      throw badValue(
        'nonlinearity',
        nonlinearity,
        "'linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'selu'",
      );
  }
}

/** Standard deviation of He initialisation: gain / sqrt(fan). K. He et al. 2015 (arXiv:1502.01852). */
export function kaimingStd(weight: Variable, a: number, mode: FanMode, nonlinearity: Nonlinearity): number {
  const { fanIn, fanOut } = fans(weight);
  if (mode !== 'fan_in' && mode !== 'fan_out') throw badValue('Kaiming.mode', mode, "'fan_in' or 'fan_out'");
  return gainOf(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut);
}

function draw(
  shape: readonly number[],
  std: number,
  distribution: Distribution,
  stream: RandomStream,
): Tensor {
  if (distribution === 'normal') return randomNormal(shape, stream, { std });
  if (distribution !== 'uniform') throw badValue('distribution', distribution, "'normal' or 'uniform'");
  const bound = Math.sqrt(3) * std;
  return randomUniform(shape, stream, { low: -bound, high: bound });
}

/** The variables `weight` and `bias` of a module, those that it has. */
function weightAndBias(module: Module): { weight?: Variable; bias?: Variable } {
  return Object.fromEntries(module.ownVariables().filter(([name]) => name === 'weight' || name === 'bias'));
}

function initModuleVariables(
  module: Module,
  weightValue: (weight: Variable) => Tensor,
  bias: number,
): Variable[] {
  const found = weightAndBias(module);
  noGrad(() => {
    if (found.weight) assign(found.weight, weightValue(found.weight));
    if (found.bias) assign(found.bias, tf.fill(found.bias.shape, bias));
  });
  return Object.values(found);
}

/** Sets `weight` to `val` and `bias` to `bias`. Like all functions here, returns the variables it set. */
export function constantInit(module: Module, { val, bias = 0 }: { val: number; bias?: number }): Variable[] {
  return initModuleVariables(module, (weight) => tf.fill(weight.shape, val), bias);
}

/** X. Glorot, Y. Bengio 2010: standard deviation gain · sqrt(2 / (fanIn + fanOut)). */
export function xavierInit(
  module: Module,
  stream: VariableStream,
  {
    gain = 1,
    bias = 0,
    distribution = 'normal',
  }: { gain?: number; bias?: number; distribution?: Distribution } = {},
): Variable[] {
  const value = (weight: Variable): Tensor => {
    const { fanIn, fanOut } = fans(weight);
    return draw(weight.shape, gain * Math.sqrt(2 / (fanIn + fanOut)), distribution, stream(weight));
  };
  return initModuleVariables(module, value, bias);
}

export function normalInit(
  module: Module,
  stream: VariableStream,
  { mean = 0, std = 1, bias = 0 }: { mean?: number; std?: number; bias?: number } = {},
): Variable[] {
  return initModuleVariables(module, (w) => randomNormal(w.shape, stream(w), { mean, std }), bias);
}

/** Normal numbers cut to [a, b], absolute values. */
export function truncNormalInit(
  module: Module,
  stream: VariableStream,
  {
    mean = 0,
    std = 1,
    a = -2,
    b = 2,
    bias = 0,
  }: { mean?: number; std?: number; a?: number; b?: number; bias?: number } = {},
): Variable[] {
  return initModuleVariables(module, (w) => truncatedNormal(w.shape, stream(w), { mean, std, a, b }), bias);
}

export function uniformInit(
  module: Module,
  stream: VariableStream,
  { a = 0, b = 1, bias = 0 }: { a?: number; b?: number; bias?: number } = {},
): Variable[] {
  return initModuleVariables(module, (w) => randomUniform(w.shape, stream(w), { low: a, high: b }), bias);
}

export interface KaimingInitOptions {
  /** Negative slope of the leaky ReLU; 0 unless said. */
  a?: number;
  /** 'fan_out' unless said. */
  mode?: FanMode;
  /** 'relu' unless said. */
  nonlinearity?: Nonlinearity;
  /** 'normal' unless said. */
  distribution?: Distribution;
  /** 0 unless said. */
  bias?: number;
}

/** K. He et al. 2015 (arXiv:1502.01852). */
export function kaimingInit(
  module: Module,
  stream: VariableStream,
  {
    a = 0,
    mode = 'fan_out',
    nonlinearity = 'relu',
    distribution = 'normal',
    bias = 0,
  }: KaimingInitOptions = {},
): Variable[] {
  const value = (weight: Variable): Tensor =>
    draw(weight.shape, kaimingStd(weight, a, mode, nonlinearity), distribution, stream(weight));
  return initModuleVariables(module, value, bias);
}

/** `XavierFill` of Caffe2: uniform with standard deviation 1 / sqrt(fanIn). */
export function caffe2XavierInit(
  module: Module,
  stream: VariableStream,
  { bias = 0 }: { bias?: number } = {},
): Variable[] {
  return kaimingInit(module, stream, {
    a: 1,
    mode: 'fan_in',
    nonlinearity: 'leaky_relu',
    distribution: 'uniform',
    bias,
  });
}

/** Bias with which a sigmoid output starts at probability `prior`: -log((1 - p) / p). */
export function biasInitWithProb(prior: number): number {
  if (!(prior > 0 && prior < 1)) throw badValue('biasProb', prior, 'a probability between 0 and 1');
  return -Math.log((1 - prior) / prior);
}
