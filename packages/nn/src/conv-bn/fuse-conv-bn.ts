import { noGrad, relu, scope, tf, type Variable } from '@engine/tensor';

import { describeVariable } from '../parameter.js';
import type { Module } from '../module.js';
import { assign } from '../state-dict.js';
import { findPairs, replaceMethod } from './find-pairs.js';
import { fold, type Conv, type Norm } from './fold.js';

/**
 * Folds each batch norm that follows a convolution into it, for good: an inference network of fewer layers with the same
 * results. A convolution gets a bias where it had none; the batch norms remain with neutral values (scale 1, shift 0,
 * mean 0, variance 1 - ε), so that the state dict still says what the network computes, and pass their input on while in
 * evaluation mode. To be used after training, on a network in evaluation mode.
 *
 * @param run a forward pass of the network over an example, such as `() => network.forward(x)`, which shows what
 *   follows what; a convolution whose result anything else reads is left as it is, and so is a batch norm that reads
 *   anything else
 * @returns dotted names of the pairs, convolution and batch norm
 */
export function fuseConvBn(network: Module, run: () => unknown): [conv: string, norm: string][] {
  const names = new Map(network.namedModules().map(([name, module]) => [module, name]));
  const pairs = scope(() => {
    const { pairs: all, mixed } = findPairs(network, run);
    return [...all].filter(([, norm]) => !mixed.has(norm));
  });
  // A norm that follows several convolutions is folded into each of them, before it changes.
  const found = pairs.map(([conv, norm]) => {
    foldInto(conv, norm);
    return [names.get(conv)!, names.get(norm)!] as [string, string];
  });
  for (const norm of new Set(pairs.map(([, norm]) => norm))) neutralise(norm);
  return found;
}

function foldInto(conv: Conv, norm: Norm): void {
  const { weight, bias } = noGrad(() => fold(conv, norm));
  assign(conv.weight, weight);
  if (conv.bias) return assign(conv.bias, bias);
  const variable = tf.variable(bias, true);
  bias.dispose();
  describeVariable(variable, { role: 'parameter', layout: 'none' });
  (conv as { bias: Variable | undefined }).bias = variable;
}

function neutralise(norm: Norm): void {
  const { weight, bias, runningMean, runningVar } = norm;
  if (weight) assign(weight, tf.ones(weight.shape));
  if (bias) assign(bias, tf.zeros(bias.shape));
  assign(runningMean!, tf.zeros(runningMean!.shape));
  assign(runningVar!, tf.fill(runningVar!.shape, 1 - norm.eps));
  replaceMethod(norm, 'forward', (plain) => (x) => (norm.training ? plain(x) : x.clone()));
  replaceMethod(norm, 'forwardRelu', (plain) => (x) => (norm.training ? plain(x) : relu(x)));
}
