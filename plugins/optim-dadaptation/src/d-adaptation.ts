import { badValue } from '@engine/core';
import {
  Optimizer,
  requireNonNegative,
  type GradientClosure,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import {
  tf,
  updateElements,
  type ElementRule,
  type Scalar,
  type Tensor,
  type Variable,
} from '@engine/tensor';

/** Options that all D-Adaptation optimizers share. */
export interface DAdaptOptions {
  /** Multiplies the rate that is found; 1. What schedulers drive. */
  lr?: number;
  /** First estimate of D, the distance to the solution; 1e-6. Rarely needs changing. */
  d0?: number;
  /** Factor by which the estimate may grow in a step at most; null, any. 1.02 gives a kind of warm-up. */
  growthRate?: number | null;
}

/** A parameter group with the estimate in it, which is the same in all groups, and saved with them. */
export interface DAdaptGroup extends ParamGroup {
  /** Estimate of D so far. */
  d: number;
  /** Steps in which something moved. */
  k: number;
}

/**
 * Base of the optimizers that estimate their step size: all groups contribute to one estimate D, so a step first
 * updates the statistics of all of them, then moves the parameters. It reads their sums back from the device once.
 * @see Defazio and Mishchenko, "Learning-Rate-Free Learning by D-Adaptation", arXiv:2301.07733
 */
export abstract class DAdaptation extends Optimizer {
  private batches: UpdateBatch[] = [];

  /**
   * @param options the optimizer's complete options
   * @param sums what it accumulates over all parameters, 0 at first; kept in every group
   */
  constructor(
    params: ParamsInput,
    options: DAdaptOptions & Record<string, unknown>,
    sums: readonly string[],
  ) {
    const { d0, growthRate } = options;
    super(params, {
      ...options,
      growthRate: growthRate === Infinity ? null : growthRate,
      d: d0,
      k: 0,
      ...Object.fromEntries(sums.map((name) => [name, 0])),
    });
    if (!((this.defaults.lr as number) > 0))
      throw badValue(`${this.name}.lr`, options.lr, 'a number above 0');
  }

  /** The estimate of D so far; `lr` times it is the step size. */
  get d(): number {
    return this.first.d;
  }

  /** Updates all groups; a step in which every gradient is 0 before anything moved counts as none. */
  override step(grads: ReadonlyMap<Variable, Tensor> | GradientClosure): Scalar | void {
    if (typeof grads === 'function') return super.step(grads);
    this.batches = [];
    super.step(grads);
    const { batches } = this;
    this.batches = [];
    if (batches.length === 0) return;
    tf.tidy(() => {
      if (this.adapt(batches)) this.share({ k: this.first.k + 1 });
      else for (const batch of batches) for (const state of batch.states) state.step--;
    });
  }

  /**
   * Updates statistics, estimate and parameters.
   * @returns whether there was any progress to estimate from
   */
  protected abstract adapt(batches: readonly UpdateBatch[]): boolean;

  protected update(batch: UpdateBatch): void {
    this.batches.push(batch);
  }

  protected checkGroup(group: ParamGroup): void {
    const { d0, growthRate } = group as ParamGroup & Required<DAdaptOptions>;
    for (const key of ['lr', 'weightDecay']) requireNonNegative(`${this.name}.${key}`, group[key]);
    if (typeof d0 !== 'number' || !(d0 > 0)) throw badValue(`${this.name}.d0`, d0, 'a number above 0');
    if (growthRate !== null && !(growthRate >= 1))
      throw badValue(`${this.name}.growthRate`, growthRate, 'a number from 1, or null');
  }

  /** The group that holds the common state. */
  protected get first(): DAdaptGroup {
    return this.paramGroups[0] as DAdaptGroup;
  }

  /** The rate of all groups that learn: one may have 0 instead, but no other. */
  protected commonLr(): number {
    const lr = Math.max(...this.paramGroups.map((group) => group.lr));
    for (const group of this.paramGroups) {
      if (group.lr === lr || group.lr === 0) continue;
      throw badValue(`${this.name}.lr`, group.lr, `${lr}, as in the other groups, or 0`);
    }
    return lr;
  }

  /** The batches of the groups that learn: those whose rate is not 0. */
  protected learning(batches: readonly UpdateBatch[]): readonly UpdateBatch[] {
    return batches.filter(({ group }) => group.lr > 0);
  }

  /** Takes over a better estimate and writes it, with the sums behind it, into all groups. */
  protected improve(estimate: number, sums: Record<string, number>): void {
    const { d, growthRate } = this.first as DAdaptGroup & Required<DAdaptOptions>;
    const bounded = Math.min(estimate, growthRate === null ? Infinity : d * growthRate);
    this.share({ ...sums, d: this.commonLr() > 0 && bounded > d ? bounded : d });
  }

  private share(values: Record<string, number>): void {
    for (const group of this.paramGroups) Object.assign(group, values);
  }
}

/** Changes the states of all parameters of a batch, element by element, while the parameters stay. */
export function updateStates<Buffer extends string>(
  batch: UpdateBatch,
  buffers: readonly Buffer[],
  rule: ElementRule<'param' | 'grad' | Buffer>,
): void {
  const fields: Record<string, readonly Tensor[]> = {};
  for (const name of buffers) fields[name] = batch.states.map((state) => state.buffers[name]!);
  updateElements({ ...fields, grad: batch.grads, param: batch.variables }, rule as ElementRule<string>);
}

/** The sum of a tensor's elements. */
export function total(tensor: Tensor): Scalar {
  return tf.sum(tensor);
}

/** Reads scalars from the device, all at once, and adds up those of each list. */
export function readTotals<Name extends string>(lists: Record<Name, Scalar[]>): Record<Name, number> {
  const names = Object.keys(lists) as Name[];
  const all = names.flatMap((name) => lists[name]);
  const values = all.length === 0 ? [] : tf.stack(all).dataSync();
  let at = 0;
  const sums = names.map((name) => {
    let sum = 0;
    for (let n = lists[name].length; n > 0; n--) sum += values[at++]!;
    return [name, sum] as const;
  });
  return Object.fromEntries(sums) as Record<Name, number>;
}
