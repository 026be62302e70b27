import { badValue, checkKeys, OPTIM_WRAPPERS, register } from '@engine/core';
import { copyTensor, tf } from '@engine/tensor';
import type {
  LogVars,
  LossResult,
  OptimWrapperLike,
  ParamRef,
  ParamSource,
  Scalar,
  Tensor,
  TensorState,
  Variable,
} from '@engine/tensor';
import { requirePositiveInt } from './checks.js';
import { lossGradients, type Gradients } from './gradients.js';
import { createGradClipper, type ClipGradOptions, type GradClipper } from './grad-clip.js';
import { Optimizer } from './optimizer.js';
import { groupSettings, type ParamGroup } from './param-group.js';
import { warn } from './warn.js';

export interface OptimWrapperOptions {
  /** Steps whose gradients are averaged into one update; 1. */
  accumulativeCounts?: number;
  /** Limits the gradients before each update; none. */
  clipGrad?: ClipGradOptions | null;
}

/** Turns local gradients into those to update with, e.g. averages over processes. Results in the current scope. */
export type GradReducer = (grads: Map<Variable, Tensor>) => Map<Variable, Tensor>;

/** Looks at the gradients of an update, before clipping; what it returns is reported, as tensors that it has kept. */
export type GradObserver = (grads: ReadonlyMap<Variable, Tensor>) => LogVars;

declare module '@engine/core' {
  interface OptimWrapperTypes {
    OptimWrapper: OptimWrapperOptions;
  }
}

interface WrapperState {
  innerCount: number;
  maxCount: number;
  optimizerSteps: number;
  optimizer: unknown;
  baseParamSettings: Record<string, unknown> | null;
  /** Names of the parameters with a partial sum of gradients. */
  accumulated: string[];
}

const OPTIMIZER_PREFIX = 'optimizer/';
const GRADIENT_PREFIX = 'gradient/';

/**
 * Computes gradients, accumulates, clips and updates. Nothing is read back from the device.
 *
 * With `accumulativeCounts` n the loss counts 1/n in each of n steps, then one update is made; windows run on across
 * epochs, and the last, incomplete one is averaged over its own length and closed by the very last step.
 */
@register(OPTIM_WRAPPERS)
export class OptimWrapper implements OptimWrapperLike {
  readonly optimizer: Optimizer;
  readonly accumulativeCounts: number;
  /** Gradient computations so far, with those of the run that was resumed. */
  innerCount = 0;
  /** Updates made so far. */
  optimizerSteps = 0;
  /** With several groups: the optimizer's own settings, which schedulers drive too; reported as `base_lr`. */
  readonly baseParamSettings: ParamGroup | undefined;
  private readonly clipper: GradClipper | undefined;
  private maxCount = -1;
  private inEval = false;
  private reducer: GradReducer | undefined;
  private observer: GradObserver | undefined;
  private observed: LogVars | undefined;
  private accumulated = new Map<Variable, Tensor>();

  /**
   * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE
   */
  constructor(optimizer: Optimizer, options: OptimWrapperOptions = {}) {
    checkKeys('OptimWrapper', options, ['accumulativeCounts', 'clipGrad']);
    if (!(optimizer instanceof Optimizer))
      throw badValue('OptimWrapper.optimizer', optimizer, 'an Optimizer');
    const { accumulativeCounts = 1, clipGrad } = options;
    requirePositiveInt('OptimWrapper.accumulativeCounts', accumulativeCounts);
    if (optimizer.needsClosure && accumulativeCounts > 1) {
      throw badValue(
        'OptimWrapper.accumulativeCounts',
        accumulativeCounts,
        `1 beside ${optimizer.name}, which evaluates the loss itself`,
      );
    }
    this.optimizer = optimizer;
    this.accumulativeCounts = accumulativeCounts;
    this.clipper = clipGrad ? createGradClipper(clipGrad) : undefined;
    if (optimizer.paramGroups.length > 1) {
      this.baseParamSettings = {
        ...structuredClone(optimizer.defaults),
        params: [],
      } as unknown as ParamGroup;
    }
  }

  get defaults(): Readonly<Record<string, unknown>> {
    return this.optimizer.defaults;
  }

  /** Steps made, updates or not: what schedulers compare themselves with. */
  get stepCount(): number {
    return this.innerCount;
  }

  /** The optimizer's groups, then the base settings if there are several groups. */
  get paramGroups(): ParamGroup[] {
    const { paramGroups } = this.optimizer;
    return this.baseParamSettings ? [...paramGroups, this.baseParamSettings] : paramGroups;
  }

  /**
   * Tells where in the run the next step stands, so that the last window is known.
   * @param current steps made so far
   * @param max steps of the whole run, or -1 when unknown
   */
  initializeCountStatus(model: ParamSource, current: number, max: number): void {
    this.innerCount = current;
    this.maxCount = max;
    const n = this.accumulativeCounts;
    if (n === 1) return;
    if (current % n !== 0 && this.accumulated.size === 0) {
      warn(
        'W_OPTIM_PARTIAL_WINDOW',
        `Resumed at step ${current}, inside a window of ${n} accumulated steps, without its gradients: ` +
          'the first update will rest on fewer steps.',
      );
    }
    if (normalisesBatches(model)) {
      warn(
        'W_OPTIM_ACCUMULATE_NORM',
        `Gradients are accumulated over ${n} steps, but batch normalisation still sees one batch at a time.`,
      );
    }
  }

  /** Replaces the local gradients before clipping and updating; undefined takes the hook away. */
  setGradReducer(reducer: GradReducer | undefined): void {
    this.reducer = reducer;
  }

  /** Shows the gradients of every update, reduced but not clipped; undefined takes the observer away. */
  setGradObserver(observer: GradObserver | undefined): void {
    this.observer = observer;
  }

  /** True when the step just made closes a window. */
  shouldUpdate(): boolean {
    return this.closesWindow(this.innerCount);
  }

  /** True when the coming step closes a window, so that its gradients must be shared. */
  shouldSync(): boolean {
    return this.closesWindow(this.innerCount + 1);
  }

  /**
   * One training step: loss, gradients and, at the end of a window, the update.
   * @param compute evaluates the loss; runs in a scope of its own, where it may leave tensors
   * @returns the log variables of `compute`, with `grad_norm` (before clipping) in steps that clip by norm; the
   *   caller owns their tensors
   * @throws E_OPTIM_LOSS when the loss is no scalar, E_OPTIM_NO_GRADIENT when it depends on no parameter
   */
  step(compute: () => LossResult): LogVars {
    if (this.optimizer.needsClosure) return this.stepByClosure(compute);
    const engine = tf.engine();
    engine.startScope('optimWrapperStep');
    try {
      const length = this.windowLength();
      const { logVars, grads } = this.gradients(compute, this.trainable(), 1 / length);
      this.innerCount++;
      const update = this.shouldUpdate();
      if (this.accumulativeCounts > 1) this.accumulate(grads);
      if (!update) return logVars;
      const norm = this.update(this.accumulativeCounts > 1 ? this.accumulated : grads);
      if (this.accumulativeCounts > 1) this.zeroGrad();
      if (this.observed) Object.assign(logVars, this.observed);
      this.observed = undefined;
      if (norm) logVars.grad_norm = tf.keep(norm);
      return logVars;
    } finally {
      engine.endScope();
    }
  }

  /**
   * Runs a function as {@link step} runs the loss: here as it is, in a wrapper for mixed precision under autocast. For
   * what a model computes outside of `step`.
   */
  optimContext<T>(fn: () => T): T {
    return fn();
  }

  /** Drops gradients accumulated so far. */
  zeroGrad(): void {
    for (const grad of this.accumulated.values()) grad.dispose();
    this.accumulated.clear();
  }

  /** Learning rates of the groups as `lr` and, with several groups, that of the base settings as `base_lr`. */
  getLr(): Record<string, number[]> {
    const lr = this.optimizer.paramGroups.map((group) => group.lr);
    return this.baseParamSettings ? { base_lr: [this.baseParamSettings.lr], lr } : { lr };
  }

  /** Momentum of the groups: their `momentum`, else the first beta, else 0. */
  getMomentum(): Record<string, number[]> {
    return { momentum: this.optimizer.paramGroups.map(momentumOf) };
  }

  /** The optimizer's state, the counters, and the gradients of an open window. The tensors are the live ones. */
  stateDict(): TensorState {
    const inner = this.optimizer.stateDict();
    const tensors: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(inner.tensors)) tensors[OPTIMIZER_PREFIX + name] = tensor;
    const accumulated: string[] = [];
    for (const param of this.params()) {
      const grad = this.accumulated.get(param.variable);
      if (!grad) continue;
      accumulated.push(param.name);
      tensors[GRADIENT_PREFIX + param.name] = grad;
    }
    const json: WrapperState = {
      innerCount: this.innerCount,
      maxCount: this.maxCount,
      optimizerSteps: this.optimizerSteps,
      optimizer: inner.json,
      baseParamSettings: this.baseParamSettings
        ? structuredClone(groupSettings(this.baseParamSettings))
        : null,
      accumulated,
    };
    return { tensors, json };
  }

  /**
   * Takes a state over, copying its tensors.
   * @throws as {@link Optimizer.loadStateDict}
   */
  loadStateDict(state: TensorState): void {
    const json = state.json as WrapperState;
    const tensors = Object.entries(state.tensors)
      .filter(([name]) => name.startsWith(OPTIMIZER_PREFIX))
      .map(([name, tensor]) => [name.slice(OPTIMIZER_PREFIX.length), tensor] as const);
    this.optimizer.loadStateDict({ tensors: Object.fromEntries(tensors), json: json.optimizer });
    this.innerCount = json.innerCount;
    this.maxCount = json.maxCount;
    this.optimizerSteps = json.optimizerSteps;
    if (this.baseParamSettings && json.baseParamSettings) {
      Object.assign(this.baseParamSettings, structuredClone(json.baseParamSettings));
    }
    this.zeroGrad();
    const open = new Set(json.accumulated);
    for (const param of this.params()) {
      if (!open.has(param.name)) continue;
      this.accumulated.set(param.variable, tf.keep(copyTensor(state.tensors[GRADIENT_PREFIX + param.name]!)));
    }
  }

  /** True while the parameters hold what evaluation should see; see {@link Optimizer.eval}. */
  get evaluating(): boolean {
    return this.inEval;
  }

  /** Puts what evaluation and checkpoints should see into the parameters, where the optimizer has such a thing. */
  eval(): void {
    this.optimizer.eval();
    this.inEval = true;
  }

  /** Puts what training goes on from back into the parameters. */
  train(): void {
    this.optimizer.train();
    this.inEval = false;
  }

  /** Frees the optimizer's state and accumulated gradients. */
  dispose(): void {
    this.zeroGrad();
    this.optimizer.dispose();
  }

  private *params(): Iterable<ParamRef> {
    for (const group of this.optimizer.paramGroups) yield* group.params;
  }

  private closesWindow(count: number): boolean {
    return count % this.accumulativeCounts === 0 || count === this.maxCount;
  }

  /** Number of steps in the window that the coming step belongs to. */
  private windowLength(): number {
    const n = this.accumulativeCounts;
    const remainder = this.maxCount % n;
    const inLastWindow = this.maxCount > 0 && remainder > 0 && this.innerCount >= this.maxCount - remainder;
    return inLastWindow ? remainder : n;
  }

  /** The variables to differentiate with respect to, read anew in case something was frozen or freed. */
  private trainable(): Variable[] {
    const variables: Variable[] = [];
    for (const group of this.optimizer.paramGroups) {
      for (const param of group.params) if (param.requiresGrad) variables.push(param.variable);
    }
    return variables;
  }

  private accumulate(grads: Map<Variable, Tensor>): void {
    for (const [variable, grad] of grads) {
      const sum = this.accumulated.get(variable);
      // A clone, since one tensor may be the gradient of several variables and is disposed once per variable.
      this.accumulated.set(variable, tf.keep(sum ? tf.add(sum, grad) : tf.clone(grad)));
      sum?.dispose();
    }
  }

  /** A step of an optimizer that evaluates the loss as often as it likes; the first evaluation is reported. */
  private stepByClosure(compute: () => LossResult): LogVars {
    let reported: LogVars | undefined;
    tf.tidy(() => {
      this.optimizer.step(() => {
        const { logVars, loss, grads: local } = this.gradients(compute, this.trainable(), 1);
        const { grads, norm } = this.prepared(this.reducer ? this.reducer(local) : local);
        const report = { ...logVars, ...this.observed };
        this.observed = undefined;
        if (norm) report.grad_norm = tf.keep(norm);
        if (reported) disposeLogVars(report);
        else reported = report;
        return { loss, grads };
      });
    });
    this.innerCount++;
    this.optimizerSteps++;
    return reported!;
  }

  /** Evaluates the loss and its gradients times `factor`. */
  protected gradients(compute: () => LossResult, variables: Variable[], factor: number): Gradients {
    return lossGradients(compute, variables, factor === 1 ? undefined : factor);
  }

  private update(local: Map<Variable, Tensor>): Scalar | undefined {
    return this.apply(this.reducer ? this.reducer(local) : local);
  }

  /**
   * Clips and updates.
   * @returns the norm before clipping, where one is computed
   */
  protected apply(given: Map<Variable, Tensor>): Scalar | undefined {
    const { grads, norm } = this.prepared(given);
    this.optimizer.step(grads);
    this.optimizerSteps++;
    return norm;
  }

  /** Gradients shown to the observer, then clipped, with the norm before. */
  private prepared(grads: Map<Variable, Tensor>): { grads: Map<Variable, Tensor>; norm?: Scalar } {
    this.observed = this.observer?.(grads);
    if (!this.clipper) return { grads };
    const clipped = this.clipper.clip([...grads.values()]);
    return {
      grads: new Map([...grads.keys()].map((variable, i) => [variable, clipped.grads[i]!])),
      ...(clipped.norm ? { norm: clipped.norm } : {}),
    };
  }
}

function disposeLogVars(logVars: LogVars): void {
  for (const value of Object.values(logVars)) if (typeof value !== 'number') value.dispose();
}

function momentumOf(group: ParamGroup): number {
  if (typeof group.momentum === 'number') return group.momentum;
  return Array.isArray(group.betas) ? (group.betas[0] as number) : 0;
}

/** Whether the model has batch normalisation, told by the buffers that only it keeps. */
function normalisesBatches(model: ParamSource): boolean {
  const { namedBuffers } = model as { namedBuffers?: () => [string, unknown][] };
  return namedBuffers?.call(model).some(([name]) => name.endsWith('running_mean')) ?? false;
}
