import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import { OptimWrapper, type OptimWrapperDict } from '@engine/optim';
import { noGrad, tf, type LogVars, type Scalar, type Tensor, type Variable } from '@engine/tensor';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface GradNormHookOptions {
  /** Updates between two measurements; 10, as the log's lines. */
  interval?: number;
  /** Order of the norm; 2. `Infinity` (or `'inf'`, for config files) is the largest absolute value. */
  normType?: number | 'inf';
  /** One norm for each parameter group too, `grad_norm/group0`; false. */
  perGroup?: boolean;
  /** One norm for each parameter too, `grad_norm/backbone.conv1.weight`; a list limits it to names that begin so. False. */
  perParam?: boolean | readonly string[];
  priority?: number | string;
}

/** Name and number of the group of a parameter. */
interface Place {
  name: string;
  group: number;
}

/**
 * Records norms of the gradients of an update, all parameters together as `train/total_grad_norm`: averaged over
 * accumulated steps and processes, before clipping. Nothing waits for the device; the log reads the numbers.
 *
 * With several optimizers the names begin with the optimizer's: `train/generator.total_grad_norm`.
 */
@register(HOOKS)
export class GradNormHook extends Hook {
  private readonly interval: number;
  private readonly order: number;
  private readonly perGroup: boolean;
  private readonly perParam: boolean | readonly string[];

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: GradNormHookOptions = {}) {
    super();
    checkKeys('GradNormHook', options, ['interval', 'normType', 'perGroup', 'perParam', 'priority']);
    const { interval = 10, normType = 2, perGroup = false, perParam = false } = options;
    if (!Number.isInteger(interval) || interval < 1) {
      throw badValue('GradNormHook.interval', interval, 'a whole number of updates above 0');
    }
    this.order = normType === 'inf' ? Infinity : normType;
    if (typeof this.order !== 'number' || !(this.order > 0)) {
      throw badValue('GradNormHook.normType', normType, "a number above 0, Infinity or 'inf'");
    }
    const names = Array.isArray(perParam) && perParam.every((name) => typeof name === 'string');
    if (typeof perParam !== 'boolean' && !names) {
      throw badValue('GradNormHook.perParam', perParam, 'true, false or a list of beginnings of names');
    }
    if (typeof perGroup !== 'boolean') throw badValue('GradNormHook.perGroup', perGroup, 'true or false');
    this.interval = interval;
    this.perGroup = perGroup;
    this.perParam = perParam;
  }

  override beforeTrain(run: Run): void {
    for (const [prefix, wrapper] of wrappersOf(run)) {
      const places = new Map<Variable, Place>();
      wrapper.optimizer.paramGroups.forEach(({ params }, group) => {
        for (const { name, variable } of params) places.set(variable, { name, group });
      });
      wrapper.setGradObserver((grads) =>
        (wrapper.optimizerSteps + 1) % this.interval === 0 ? this.measure(prefix, grads, places) : {},
      );
    }
  }

  override afterRun(run: Run): void {
    if (!run.trainLoop) return;
    for (const [, wrapper] of wrappersOf(run)) wrapper.setGradObserver(undefined);
  }

  private measure(
    prefix: string,
    grads: ReadonlyMap<Variable, Tensor>,
    places: ReadonlyMap<Variable, Place>,
  ): LogVars {
    const found: LogVars = {};
    noGrad(() =>
      tf.tidy(() => {
        const all: Scalar[] = [];
        const groups = new Map<number, Scalar[]>();
        for (const [variable, grad] of grads) {
          const power = this.power(grad);
          const place = places.get(variable);
          all.push(power);
          if (!place) continue;
          groups.set(place.group, [...(groups.get(place.group) ?? []), power]);
          if (this.wants(place.name)) found[`${prefix}grad_norm/${place.name}`] = this.root([power]);
        }
        if (this.perGroup) {
          for (const [group, powers] of groups) found[`${prefix}grad_norm/group${group}`] = this.root(powers);
        }
        if (all.length > 0) found[`${prefix}total_grad_norm`] = this.root(all);
      }),
    );
    return found;
  }

  /** What adds up to the norm: Σ|x|^order, or max|x| for the order ∞. */
  private power(grad: Tensor): Scalar {
    if (this.order === 2) return tf.sum(tf.square(grad));
    const size = tf.abs(grad);
    return this.order === Infinity ? tf.max(size) : tf.sum(tf.pow(size, this.order));
  }

  private root(powers: Scalar[]): Scalar {
    const stacked = tf.stack(powers);
    if (this.order === Infinity) return tf.keep(tf.max(stacked));
    const sum = tf.sum<Scalar>(stacked);
    return tf.keep(this.order === 2 ? tf.sqrt(sum) : tf.pow(sum, 1 / this.order));
  }

  private wants(name: string): boolean {
    const { perParam } = this;
    return typeof perParam === 'boolean'
      ? perParam
      : perParam.some((start) => name === start || name.startsWith(start));
  }
}

/** The wrappers of a run with what their reports begin with. */
function wrappersOf(run: Run): [prefix: string, wrapper: OptimWrapper][] {
  const wrapper: unknown = run.optimWrapper;
  if (wrapper instanceof OptimWrapper) return [['', wrapper]];
  return (wrapper as OptimWrapperDict).entries().map(([name, one]) => [`${name}.`, one]);
}

declare module '@engine/core' {
  interface HookTypes {
    GradNormHook: GradNormHookOptions;
  }
}
