import { EngineError } from '@engine/core';
import {
  autocast,
  currentAutocast,
  customGradients,
  mapTensors,
  tensorsIn,
  tf,
  type AutocastDtype,
  type Tensor,
  type Variable,
} from '@engine/tensor';

import { matchModules } from './module-names.js';
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
 * between is computed again when gradients are (T. Chen et al. 2016, arXiv:1604.06174), under the autocast of the first
 * time. The gradients are the same, to the last bit where kernels are deterministic. `forward` of such a module takes and
 * returns tensors, or plain objects and arrays of them; while nothing is differentiated it is called as it is.
 *
 * @param names dotted names of modules; `*` stands for one part of a name: `backbone.layer*.*`
 * @returns names of the modules that are checkpointed now and were not before
 * @throws E_MODULE_NAME when a name matches no module
 */
export function turnOnActivationCheckpointing(model: Module, names: string | readonly string[]): string[] {
  const found: string[] = [];
  for (const [path, module] of matchModules(model, names)) {
    if (wrapped.has(module)) continue;
    wrapped.add(module);
    found.push(path);
    const forward = module.forward.bind(module) as Forward;
    const own = module as unknown as { forward: Forward };
    own.forward = (...args) => checkpointed(module, path, forward, args);
  }
  return found;
}

function checkpointed(module: Module, path: string, forward: Forward, args: readonly unknown[]): unknown {
  const { state } = tf.engine();
  if (state.gradientDepth === 0 || state.kernelDepth > 0) return forward(...args);
  const given = [...new Set(tensorsIn(args))];
  const inputs = [...given, ...module.parameters().filter((variable) => variable.trainable)];
  const first = {
    extra: module.extraState(),
    modes: module.namedModules().map(([, each]) => [each, each.training] as const),
    dtype: currentAutocast(),
  };
  let value: unknown;
  const results = customGradients(
    inputs,
    (save) => {
      value = forward(...args);
      const found = tensorsIn(value);
      if (found.length === 0) throw noTensor(path);
      save(given);
      // What the module hands on as it came, or twice, is another's tensor.
      const taken = new Set<Tensor>(inputs);
      return found.map((tensor) => {
        const own = taken.has(tensor) ? tensor.clone() : tensor;
        taken.add(own);
        return own;
      });
    },
    (dys, saved) => {
      const places = new Map(given.map((tensor, i) => [tensor, saved[i]!]));
      const again = args.map((arg) => mapTensors(arg, (tensor) => places.get(tensor)!));
      const recompute = (): Tensor => joined(tensorsIn(replay(module, first, () => forward(...again))), dys);
      return gradientsOf(recompute, [...saved, ...inputs.slice(given.length)]);
    },
  );
  let next = 0;
  return mapTensors(value, () => results[next++]!);
}

/** A number whose gradient with respect to each of the tensors is the given one. */
function joined(tensors: readonly Tensor[], dys: readonly Tensor[]): Tensor {
  const places = tensors.flatMap((tensor, i) => (tensor.dtype === 'float32' ? [i] : []));
  const [zero] = customGradients(
    places.map((i) => tensors[i]!),
    () => [tf.scalar(0)],
    () => places.map((i) => dys[i]!.clone()),
  );
  return zero!;
}

/** What a forward pass depends on beside tensors. */
interface Circumstances {
  extra: Record<string, unknown>;
  modes: readonly (readonly [Module, boolean])[];
  dtype: AutocastDtype;
}

/** Repeats a forward pass in the circumstances of the first time, and leaves them as they are now. */
function replay(module: Module, { extra, modes, dtype }: Circumstances, fn: () => unknown): unknown {
  const now = module.extraState();
  const training = modes.map(([each]) => each.training);
  depth++;
  try {
    for (const [each, mode] of modes) each.training = mode;
    module.loadExtraState(extra);
    return autocast(dtype, fn);
  } finally {
    depth--;
    module.loadExtraState(now);
    modes.forEach(([each], i) => (each.training = training[i]!));
  }
}

/** Gradients of a number with respect to tensors, zeros where it does not depend on one. */
function gradientsOf(fn: () => Tensor, inputs: readonly Tensor[]): Tensor[] {
  const engine = tf.engine();
  // The tape of the outer gradients, which tfjs would take for its own and drop.
  const { activeTape } = engine.state;
  const wanted = inputs.filter((input) => input.dtype === 'float32') as Variable[];
  try {
    const { grads } = engine.gradients(fn, wanted, undefined as never, true);
    const byInput = new Map(wanted.map((input, i) => [input as Tensor, grads[i] as Tensor | undefined]));
    return inputs.map((input) => byInput.get(input) ?? tf.zeros(input.shape));
  } finally {
    engine.state.activeTape = activeTape;
  }
}

function noTensor(path: string): EngineError {
  return new EngineError({
    code: 'E_MODULE_CHECKPOINT',
    what: `'${path}' cannot be checkpointed: its forward returns no tensors, nor plain objects or arrays of them.`,
    fix: 'name the modules below it, or a part that returns tensors',
  });
}
