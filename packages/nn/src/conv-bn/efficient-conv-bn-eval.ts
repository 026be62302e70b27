import { conv2d, convTranspose2d, relu, tf, type Tensor } from '@engine/tensor';

import { isRecomputing } from '../activation-checkpointing.js';
import { ConvTranspose2d } from '../layers/conv-transpose2d.js';
import { matchModules } from '../module-names.js';
import type { Module } from '../module.js';
import { convsAndNorms, findPairs, replaceMethod, type ConvBnPairs } from './find-pairs.js';
import { fold, type Conv, type Folded, type Norm } from './fold.js';

type Forward = (...args: unknown[]) => unknown;

const turnedOn = new WeakSet<Module>();
const patched = new WeakSet<Module>();
/** Pairs of the named modules whose forward passes are running, the innermost last. */
const running: ConvBnPairs[] = [];
/** The norm that a convolution was last folded with, for when its forward pass is repeated for gradients. */
const lastFolded = new WeakMap<Conv, Norm>();
/** Results of folded convolutions, which are normalised already. */
const normalised = new WeakMap<Tensor, Norm>();

/**
 * Evaluates each convolution that is followed by a batch norm in evaluation mode as one convolution, with weights folded
 * on the fly: less time and memory, also when such a network is trained with its batch norms frozen ("tune mode",
 * K. You et al. 2023, arXiv:2305.11624; MMEngine's `efficient_conv_bn_eval`). Gradients reach the parameters of both,
 * the same but for rounding. While a batch norm is in training mode its pair computes as ever.
 *
 * Which pairs there are is found by watching the first forward pass of each named module (each with its own words among
 * the arguments, such as a mode): a convolution whose result anything but one batch norm reads is left as it is. The
 * names and variables of modules do not change.
 *
 * @param names dotted names of modules, `*` for one part of a name; true for the whole model
 * @returns names of the modules for which it is on now and was not before; `''` is the model itself
 * @throws E_MODULE_NAME when a name matches no module
 */
export function turnOnEfficientConvBnEval(
  model: Module,
  names: true | string | readonly string[] = true,
): string[] {
  const modules: [string, Module][] = names === true ? [['', model]] : matchModules(model, names);
  const found: string[] = [];
  for (const [path, module] of modules) {
    if (turnedOn.has(module)) continue;
    turnedOn.add(module);
    found.push(path);
    const { convs, norms } = convsAndNorms(module);
    for (const conv of convs) foldOnTheFly(conv);
    for (const norm of norms) passNormalised(norm);
    withPairs(module);
  }
  return found;
}

function withPairs(module: Module): void {
  const own = module as unknown as { forward: Forward };
  const forward = own.forward.bind(module);
  const known = new Map<string, ConvBnPairs>();
  const run = (args: readonly unknown[]): unknown => {
    const words = JSON.stringify(args.filter((arg) => typeof arg !== 'object' && typeof arg !== 'function'));
    const pairs = known.get(words);
    if (!pairs) {
      const found = findPairs(module, () => forward(...args));
      known.set(words, found.pairs);
      return found.value;
    }
    running.push(pairs);
    try {
      return forward(...args);
    } finally {
      running.pop();
    }
  };
  Object.defineProperty(own, 'forward', {
    value: (...args: unknown[]) => run(args),
    configurable: true,
    writable: true,
    enumerable: false,
  });
}

/** The norm that follows a convolution in the forward passes that are running. */
function pairedNorm(conv: Conv): Norm | undefined {
  for (let i = running.length - 1; i >= 0; i--) {
    const norm = running[i]!.get(conv);
    if (norm) return norm;
  }
  return undefined;
}

function foldOnTheFly(conv: Conv): void {
  if (patched.has(conv)) return;
  patched.add(conv);
  replaceMethod(conv, 'forward', (plain) => (x) => {
    const norm = isRecomputing() ? lastFolded.get(conv) : pairedNorm(conv);
    if (!norm || norm.training) return plain(x);
    lastFolded.set(conv, norm);
    return tf.tidy(() => {
      const y = convolve(conv, x, fold(conv, norm));
      normalised.set(y, norm);
      return y;
    });
  });
}

/** `conv` with another weight and bias. */
function convolve(conv: Conv, x: Tensor, { weight, bias }: Folded): Tensor {
  if (conv instanceof ConvTranspose2d) return convTranspose2d(x, weight, { ...conv.options, bias });
  return conv2d(x, weight, { ...conv.options, bias });
}

function passNormalised(norm: Norm): void {
  if (patched.has(norm)) return;
  patched.add(norm);
  // Another tensor each time, which its owner may dispose of.
  replaceMethod(norm, 'forward', (plain) => (x) => (normalised.get(x) === norm ? x.clone() : plain(x)));
  replaceMethod(norm, 'forwardRelu', (plain) => (x) => (normalised.get(x) === norm ? relu(x) : plain(x)));
}
