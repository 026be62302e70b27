import { badValue, checkKeys, EngineError, OPTIMIZERS, register } from '@engine/core';
import { copyTensor, tf, type ParamRef, type Scalar, type Tensor, type Variable } from '@engine/tensor';
import { requireNonNegative, requirePositiveInt } from '../checks.js';
import { Optimizer, type GradientClosure } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { copyToVariable, type ParamState } from '../param-state.js';
import { strongWolfe, type LinePoint } from './strong-wolfe.js';

export interface LBFGSOptions {
  /** Length of a step, in lengths of the direction, and what a line search tries first; 1. */
  lr?: number;
  /** Iterations in a step; 20. */
  maxIter?: number;
  /** Evaluations of the loss in a step, after which no further iteration begins; a quarter more than `maxIter`. */
  maxEval?: number | null;
  /** Ends when no element of the gradient is larger; 1e-7. */
  toleranceGrad?: number;
  /** Ends when neither a parameter nor the loss changes by more; 1e-9. */
  toleranceChange?: number;
  /** Changes of the gradient that are remembered, each with the step that made it; 100. */
  historySize?: number;
  /** `strong_wolfe`, or null for steps of fixed length; null. */
  lineSearchFn?: 'strong_wolfe' | null;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    LBFGS: LBFGSOptions;
  }
}

const DEFAULTS: Required<LBFGSOptions> = {
  lr: 1,
  maxIter: 20,
  maxEval: null,
  toleranceGrad: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearchFn: null,
  maximize: false,
};

type Group = ParamGroup & Required<LBFGSOptions>;

/** A change of the gradient, and the step that made it. */
interface Pair {
  change: Tensor;
  step: Tensor;
  /** 1 / (change · step). */
  rho: number;
}

/** Everything that lasts from one iteration to the next; vectors are kept tensors, flat over all parameters. */
interface Memory {
  iterations: number;
  evaluations: number;
  t: number;
  scale: number;
  direction?: Tensor | undefined;
  lastGrad?: Tensor | undefined;
  pairs: Pair[];
}

/**
 * Limited-memory BFGS with `torch.optim.LBFGS`'s semantics: for few parameters and losses without noise. A step needs
 * the loss as a function, which it evaluates several times, and reads some scalars back from the device in each
 * iteration. All parameters are in one group; an {@link OptimWrapper} hands its function on.
 * @throws E_CONFIG_VALUE for several groups or a setting out of range, E_OPTIM_CLOSURE for a step with gradients
 * @see Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989
 */
@register(OPTIMIZERS)
export class LBFGS extends Optimizer {
  override readonly needsClosure = true;

  constructor(params: ParamsInput, options: LBFGSOptions = {}) {
    checkKeys('LBFGS', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
    if (this.paramGroups.length > 1)
      throw badValue('LBFGS.params', `${this.paramGroups.length} groups`, 'one group of parameters');
  }

  /**
   * @param closure evaluates the loss and its gradients; called at least once, and again wherever the search looks
   * @returns the loss of the first evaluation, in the current scope
   */
  override step(closure: GradientClosure | ReadonlyMap<Variable, Tensor>): Scalar {
    if (typeof closure !== 'function') throw this.noClosure();
    const group = this.paramGroups[0] as Group;
    const params = this.ordered();
    const state = this.stateOf(params[0]!, group);
    const loss = tf.tidy(() => {
      const memory = recall(state);
      try {
        return this.minimise(group, params, closure, memory);
      } finally {
        remember(state, memory);
      }
    });
    this.stepCount++;
    return tf.scalar(loss);
  }

  protected checkGroup(group: ParamGroup): void {
    const { maxIter, maxEval, historySize, lineSearchFn } = group as Group;
    for (const key of ['lr', 'toleranceGrad', 'toleranceChange'])
      requireNonNegative(`LBFGS.${key}`, group[key]);
    requirePositiveInt('LBFGS.maxIter', maxIter);
    requirePositiveInt('LBFGS.historySize', historySize);
    if (maxEval !== null) requirePositiveInt('LBFGS.maxEval', maxEval);
    if (lineSearchFn !== null && lineSearchFn !== 'strong_wolfe')
      throw badValue('LBFGS.lineSearchFn', lineSearchFn, "'strong_wolfe' or null");
  }

  protected override bufferShape(): readonly number[] {
    return [this.paramGroups[0]!.params.reduce((sum, { variable }) => sum + variable.size, 0)];
  }

  protected update(): void {
    throw this.noClosure();
  }

  /** @returns the loss before the first iteration */
  private minimise(
    group: Group,
    params: readonly ParamRef[],
    closure: GradientClosure,
    memory: Memory,
  ): number {
    const { lr, maxIter, toleranceGrad, toleranceChange } = group;
    const maxEval = group.maxEval ?? Math.floor((maxIter * 5) / 4);
    const sign = group.maximize ? -1 : 1;
    let { f, grad } = evaluate(closure, params, sign);
    const first = f * sign;
    memory.evaluations++;
    let evaluations = 1;
    if (read(largest(grad)) <= toleranceGrad) return first;
    for (let iteration = 1; ; iteration++) {
      tf.tidy(() => advance(memory, grad, group.historySize));
      const direction = memory.direction!;
      memory.lastGrad?.dispose();
      memory.lastGrad = tf.keep(copyTensor(grad));
      const before = f;
      memory.t = memory.iterations === 1 ? Math.min(1, 1 / read(tf.sum(tf.abs(grad)))) * lr : lr;
      const slope = read(tf.dot(grad, direction));
      if (slope > -toleranceChange) break;
      const move = lineOf(params, direction);
      if (group.lineSearchFn === 'strong_wolfe') {
        const at = (t: number): LinePoint => {
          move(t);
          const found = evaluate(closure, params, sign);
          return { t, ...found, slope: read(tf.dot(found.grad, direction)) };
        };
        const options = { toleranceChange, largest: read(largest(direction)) };
        const start = { t: 0, f, slope, grad };
        const { point, evaluations: made } = strongWolfe(start, memory.t, at, options);
        if (point.grad !== grad) grad.dispose();
        ({ f, grad, t: memory.t } = point);
        evaluations += made;
        memory.evaluations += made;
        move(memory.t);
      } else {
        move(memory.t);
        // With a noisy loss there is no use for a last evaluation.
        if (iteration !== maxIter) {
          grad.dispose();
          ({ f, grad } = evaluate(closure, params, sign));
          evaluations++;
          memory.evaluations++;
        }
      }
      if (iteration === maxIter || evaluations >= maxEval) break;
      if (read(largest(grad)) <= toleranceGrad) break;
      if (read(largest(direction)) * Math.abs(memory.t) <= toleranceChange) break;
      if (Math.abs(f - before) < toleranceChange) break;
    }
    grad.dispose();
    return first;
  }

  /** By name, so that a saved state does not depend on the order in which parameters are listed; it is the first's. */
  private ordered(): ParamRef[] {
    return [...this.paramGroups[0]!.params].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private noClosure(): EngineError {
    return new EngineError({
      code: 'E_OPTIM_CLOSURE',
      what: 'LBFGS evaluates the loss several times in a step, so gradients alone do not do.',
      expected: 'step(closure), where closure() evaluates the loss and its gradients',
      fix: 'use it through OptimWrapper.step, or pass a function that returns { loss, grads }',
    });
  }
}

/** Adds the last step to the memory and finds the next direction; what it makes and does not keep is the scope's. */
function advance(memory: Memory, grad: Tensor, historySize: number): void {
  const { pairs, direction: last, lastGrad } = memory;
  if (memory.iterations++ === 0 || !last || !lastGrad) {
    memory.direction = tf.keep(tf.neg(grad));
    memory.scale = 1;
    return;
  }
  const change = tf.sub(grad, lastGrad);
  const step = tf.mul(last, memory.t);
  const [curvature, square] = tf
    .stack([tf.dot(change, step), tf.dot(change, change)])
    .dataSync() as never as [number, number];
  if (curvature > 1e-10) {
    if (pairs.length === historySize) forget(pairs.shift()!);
    pairs.push({ change: tf.keep(change), step: tf.keep(step), rho: 1 / curvature });
    memory.scale = curvature / square;
  }
  let q: Tensor = tf.neg(grad);
  const shares = pairs.map(() => q);
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { change: y, step: s, rho } = pairs[i]!;
    shares[i] = tf.mul(tf.dot(s, q), rho);
    q = tf.sub(q, tf.mul(y, shares[i]!));
  }
  let direction: Tensor = tf.mul(q, memory.scale);
  pairs.forEach(({ change: y, step: s, rho }, i) => {
    direction = tf.add(direction, tf.mul(s, tf.sub(shares[i]!, tf.mul(tf.dot(y, direction), rho))));
  });
  last.dispose();
  memory.direction = tf.keep(direction);
}

/** Sets the parameters, frozen ones excepted, to where they are now plus t times the direction. */
function lineOf(params: readonly ParamRef[], direction: Tensor): (t: number) => void {
  const start = params.map(({ variable }) => copyTensor(variable));
  const parts = tf.split(
    direction,
    params.map(({ variable }) => variable.size),
  );
  return (t) =>
    tf.tidy(() => {
      params.forEach(({ variable, requiresGrad }, i) => {
        if (!requiresGrad) return;
        const part = tf.reshape(parts[i]!, variable.shape);
        variable.assign(tf.add(start[i]!, tf.mul(part, t)));
      });
    });
}

/** Loss and flat gradient, times `sign`; the gradient is the current scope's. */
function evaluate(
  closure: GradientClosure,
  params: readonly ParamRef[],
  sign: number,
): { f: number; grad: Tensor } {
  let f = NaN;
  const grad = tf.tidy(() => {
    const { loss, grads } = closure();
    f = sign * read(loss);
    const flat = tf.concat(
      params.map(({ variable }) => {
        const found = grads.get(variable);
        return found ? tf.reshape(found, [-1]) : tf.zeros([variable.size]);
      }),
    );
    return sign < 0 ? tf.neg(flat) : flat;
  });
  return { f, grad };
}

const largest = (tensor: Tensor): Tensor => tf.max(tf.abs(tensor));

function read(scalar: Tensor): number {
  return scalar.dataSync()[0]!;
}

function forget({ change, step }: Pair): void {
  change.dispose();
  step.dispose();
}

/** The memory as it was left in the state; takes the state's vectors over. */
function recall({ step, buffers, numbers }: ParamState): Memory {
  const copy = (name: string): Tensor | undefined => {
    const variable = buffers[name];
    if (!variable) return undefined;
    const tensor = tf.keep(copyTensor(variable));
    variable.dispose();
    return tensor;
  };
  const pairs: Pair[] = [];
  for (let i = 0; buffers[`old_dirs.${i}`]; i++) {
    pairs.push({ change: copy(`old_dirs.${i}`)!, step: copy(`old_stps.${i}`)!, rho: numbers[`ro.${i}`]! });
  }
  const { func_evals: evaluations = 0, t = 0, H_diag: scale = 1 } = numbers;
  const [direction, lastGrad] = [copy('d'), copy('prev_flat_grad')];
  return { iterations: step, evaluations, t, scale, direction, lastGrad, pairs };
}

/** Leaves the memory in the state, under PyTorch's names. */
function remember(state: ParamState, memory: Memory): void {
  const { iterations, evaluations, t, scale, direction, lastGrad, pairs } = memory;
  const buffers: Record<string, Variable> = {};
  const put = (name: string, tensor: Tensor | undefined): void => {
    if (!tensor) return;
    buffers[name] = copyToVariable(tensor);
    tensor.dispose();
  };
  put('d', direction);
  put('prev_flat_grad', lastGrad);
  pairs.forEach(({ change, step }, i) => {
    put(`old_dirs.${i}`, change);
    put(`old_stps.${i}`, step);
  });
  state.step = iterations;
  state.buffers = buffers;
  state.numbers = {
    func_evals: evaluations,
    t,
    H_diag: scale,
    ...Object.fromEntries(pairs.map(({ rho }, i) => [`ro.${i}`, rho])),
  };
}
