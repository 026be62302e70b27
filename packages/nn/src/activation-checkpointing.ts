import { EngineError, listNames, nearest } from '@engine/core';
import { isTensor, tf, type Tensor, type Variable } from '@engine/tensor';

import type { Module } from './module.js';

type Forward = (...args: unknown[]) => unknown;

const wrapped = new WeakSet<Module>();
let depth = 0;

/**
 * True while a forward pass is repeated for its gradients. A module that changes something in `forward`, such as running
 * statistics, must not do it a second time; what is in `extraState`, such as the number of a random mask, is put back to
 * what it was the first time, and needs no care.
 */
export function isRecomputing(): boolean {
  return depth > 0;
}

/**
 * Trades time for memory: of each named module only inputs and outputs are kept during a forward pass, and what lies
 * between is computed again when gradients are (T. Chen et al. 2016, arXiv:1604.06174). The gradients are the same, to the
 * last bit where kernels are deterministic. `forward` of such a module must return one tensor; while nothing is
 * differentiated it is called as it is.
 *
 * @param names dotted names of modules; `*` stands for one part of a name: `backbone.layer*.*`
 * @returns names of the modules that are checkpointed now and were not before
 * @throws E_MODULE_NAME when a name matches no module
 */
export function turnOnActivationCheckpointing(model: Module, names: string | readonly string[]): string[] {
  const all = model.namedModules().filter(([path]) => path !== '');
  const found: string[] = [];
  for (const name of [names].flat()) {
    const matching = all.filter(([path]) => patternOf(name).test(path));
    if (matching.length === 0)
      throw unknownModule(
        name,
        all.map(([path]) => path),
      );
    for (const [path, module] of matching) {
      if (wrapped.has(module)) continue;
      wrapped.add(module);
      found.push(path);
      const forward = module.forward.bind(module) as Forward;
      const own = module as unknown as { forward: Forward };
      own.forward = (...args) => checkpointed(module, path, forward, args);
    }
  }
  return found;
}

function checkpointed(module: Module, path: string, forward: Forward, args: readonly unknown[]): unknown {
  const { state } = tf.engine();
  if (state.gradientDepth === 0 || state.kernelDepth > 0) return forward(...args);
  const places = args.flatMap((arg, i) => (isTensor(arg) ? [i] : []));
  const params = module.parameters().filter((variable) => variable.trainable);
  const before = module.extraState();
  const modes = module.namedModules().map(([, each]) => [each, each.training] as const);

  const run = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as (tensors: Tensor[]) => void;
    const tensors = inputs.slice(0, places.length) as Tensor[];
    const value = forward(...args);
    if (!isTensor(value)) throw noTensor(path);
    save(tensors);
    // What the module hands on as it came is another's tensor.
    const own = inputs.includes(value) ? value.clone() : value;
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
      const again = [...args];
      places.forEach((place, i) => (again[place] = saved[i]));
      const recompute = (): Tensor => replay(module, modes, before, () => forward(...again) as Tensor);
      return gradientsOf(recompute, [...saved, ...params], dy);
    };
    return { value: own, gradFunc: gradFunc as never };
  });
  return run(...places.map((place) => args[place] as Tensor), ...params);
}

/** Repeats a forward pass in the modes and with the extra state of the first time, and leaves both as they are now. */
function replay(
  module: Module,
  modes: readonly (readonly [Module, boolean])[],
  before: Record<string, unknown>,
  fn: () => Tensor,
): Tensor {
  const now = module.extraState();
  const training = modes.map(([each]) => each.training);
  depth++;
  try {
    for (const [each, mode] of modes) each.training = mode;
    module.loadExtraState(before);
    return fn();
  } finally {
    depth--;
    module.loadExtraState(now);
    modes.forEach(([each], i) => (each.training = training[i]!));
  }
}

/** Gradients of `fn` with respect to tensors, zeros where it does not depend on one. */
function gradientsOf(fn: () => Tensor, inputs: readonly Tensor[], dy: Tensor): Tensor[] {
  const engine = tf.engine();
  // The tape of the outer gradients, which tfjs would take for its own and drop.
  const { activeTape } = engine.state;
  const wanted = inputs.filter((input) => input.dtype === 'float32') as Variable[];
  try {
    const { grads } = engine.gradients(fn, wanted, dy, true);
    const byInput = new Map(wanted.map((input, i) => [input as Tensor, grads[i] as Tensor | undefined]));
    return inputs.map((input) => byInput.get(input) ?? tf.zeros(input.shape));
  } finally {
    engine.state.activeTape = activeTape;
  }
}

function patternOf(name: string): RegExp {
  const source = name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${source.join('[^.]+')}$`);
}

function unknownModule(name: string, known: readonly string[]): EngineError {
  return new EngineError({
    code: 'E_MODULE_NAME',
    what: `The model has no module '${name}'.`,
    received: `'${name}'`,
    expected: `one of ${listNames(known)}`,
    didYouMean: nearest(name, known),
    fix: "write a dotted name, with '*' for any one part of it: 'backbone.layer*'",
    exitCode: 2,
  });
}

function noTensor(path: string): EngineError {
  return new EngineError({
    code: 'E_MODULE_CHECKPOINT',
    what: `'${path}' cannot be checkpointed: its forward does not return one tensor.`,
    fix: 'name the modules below it, or a part that returns one tensor',
  });
}
