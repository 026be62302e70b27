import { tf } from './tf.js';
import type { Tensor } from './tf.js';

type Engine = ReturnType<typeof tf.engine>;
type TapeNode = Engine['state']['activeTape'][number];

/**
 * Gradients of a scalar function, as tfjs's own `engine().gradients` computes them from the same tape, but no tensor
 * outlives its last use: what a node of the tape saved is freed once the node's gradient is known, and the gradient of
 * an intermediate result once it has been passed on. tfjs keeps all of it to the end, which doubles the memory of a
 * training step.
 *
 * May be nested: inside another differentiation everything is recorded again, and what the outer one needs stays.
 * @param compute evaluates the function; what it leaves behind is freed
 * @param seed gradient of the result, of its shape; ones unless given
 * @returns the gradients in the current scope, each a tensor of its own; undefined where the function does not depend
 *   on an x
 * @throws TypeError when a kernel on the way has no gradient, or one of the wrong shape; nothing remains then
 */
export function differentiate(
  compute: () => Tensor,
  xs: readonly Tensor[],
  seed?: Tensor,
): { value: Tensor; grads: (Tensor | undefined)[] } {
  const engine = tf.engine();
  const { state } = engine;
  const outermost = state.gradientDepth === 0;
  if (outermost) state.activeTape = [];
  state.gradientDepth++;
  let tape: TapeNode[] = [];
  let returned: Tensor[] = [];
  engine.startScope('differentiate');
  try {
    let value: Tensor;
    try {
      value = engine.tidy('forward', compute);
    } finally {
      state.gradientDepth--;
      tape = state.activeTape;
    }
    const grads = backward(engine, tape, value, xs, seed ?? tf.ones(value.shape), outermost);
    returned = [value];
    for (const grad of grads) if (grad) returned.push(grad);
    return { value, grads };
  } finally {
    engine.endScope(returned);
    if (outermost) {
      for (const node of tape) release(node);
      state.activeTape = [];
    }
  }
}

/** Frees what a node kept for its gradient. */
function release(node: TapeNode): void {
  if (!node.saved) return;
  for (const tensor of node.saved) tensor.dispose();
  node.saved = [];
}

/** Ids of the tensors that depend on the xs. What other nodes saved is freed, unless somebody else may need it. */
function dependents(tape: readonly TapeNode[], xs: readonly Tensor[], owned: boolean): Set<number> {
  const found = new Set<number>();
  for (const x of xs) found.add(x.id);
  for (const node of tape) {
    let depends = false;
    for (const name in node.inputs) {
      if (found.has(node.inputs[name]!.id)) {
        depends = true;
        break;
      }
    }
    if (depends) for (const output of node.outputs) found.add(output.id);
    else if (owned) release(node);
  }
  return found;
}

function backward(
  engine: Engine,
  tape: readonly TapeNode[],
  value: Tensor,
  xs: readonly Tensor[],
  seed: Tensor,
  owned: boolean,
): (Tensor | undefined)[] {
  const reachable = dependents(tape, xs, owned);
  const wanted = new Set(xs.map((x) => x.id));
  /** Gradients that are complete or being summed up. Each is held by this map alone, except the seed. */
  const grads = new Map<number, Tensor>();
  if (reachable.has(value.id)) grads.set(value.id, tf.clone(seed));
  for (let i = tape.length - 1; i >= 0; i--) {
    const node = tape[i]!;
    if (!node.outputs.some(({ id }) => grads.has(id)) || !reads(node, reachable)) {
      if (owned) release(node);
      continue;
    }
    const found = nodeGradients(engine, node, grads, reachable);
    for (const [id, dx] of found) {
      const sum = grads.get(id);
      grads.set(id, sum ? tf.add(sum, dx) : dx);
      if (sum) {
        sum.dispose();
        dx.dispose();
      }
    }
    // Nodes that use an output come later on the tape, so its gradient is complete and has just been used.
    for (const { id } of node.outputs) {
      if (wanted.has(id)) continue;
      grads.get(id)?.dispose();
      grads.delete(id);
    }
    if (owned) release(node);
  }
  return takeGradients(xs, grads);
}

function reads(node: TapeNode, reachable: ReadonlySet<number>): boolean {
  for (const name in node.inputs) if (reachable.has(node.inputs[name]!.id)) return true;
  return false;
}

/** Gradients of one node's inputs, by tensor id; an input that is read twice appears twice. */
function nodeGradients(
  engine: Engine,
  node: TapeNode,
  grads: ReadonlyMap<number, Tensor>,
  reachable: ReadonlySet<number>,
): [number, Tensor][] {
  if (!node.gradient) throw new TypeError(`The kernel ${node.kernelName} has no gradient.`);
  const found: [number, Tensor][] = [];
  const own = new Set<Tensor>();
  engine.startScope();
  const scopeId = engine.state.activeScope.id;
  try {
    const byInput = node.gradient(node.outputs.map(({ id }) => grads.get(id) ?? (null as never)));
    for (const name in node.inputs) {
      const x = node.inputs[name]!;
      if (!reachable.has(x.id)) continue;
      const make = byInput[name];
      if (!make) throw new TypeError(`The kernel ${node.kernelName} has no gradient by its input '${name}'.`);
      let dx = make();
      if (dx.dtype !== 'float32' || !tf.util.arraysEqual(dx.shape, x.shape)) {
        throw new TypeError(
          `The gradient of ${node.kernelName} by its input '${name}' is ${dx.dtype} [${dx.shape.join(', ')}], ` +
            `not float32 [${x.shape.join(', ')}].`,
        );
      }
      // A gradient may be the incoming one, one tensor for two inputs, or somebody else's: here each has one owner.
      if (dx.scopeId !== scopeId || dx.kept || own.has(dx)) dx = tf.clone(dx);
      own.add(dx);
      found.push([x.id, dx]);
    }
    return found;
  } finally {
    engine.endScope([...own]);
  }
}

/** One tensor for each x, also where an x is given twice. */
function takeGradients(xs: readonly Tensor[], grads: ReadonlyMap<number, Tensor>): (Tensor | undefined)[] {
  const taken = new Set<number>();
  return xs.map(({ id }) => {
    const grad = grads.get(id);
    if (!grad || !taken.has(id)) {
      taken.add(id);
      return grad;
    }
    return tf.clone(grad);
  });
}
