import { badValue, EngineError, listNames, nearest } from '@engine/core';
import type { OptimWrapperLike, ParamSource, Tensor, TensorState } from '@engine/tensor';
import { OptimWrapper } from './optim-wrapper.js';
import type { ParamGroup } from './param-group.js';

/**
 * Several optimizer wrappers by name, for models that update their parts separately, such as a generator and a
 * discriminator. The model's `trainStep` takes the wrapper it wants and steps it.
 */
export class OptimWrapperDict implements OptimWrapperLike {
  private readonly wrappers: ReadonlyMap<string, OptimWrapper>;

  /**
   * @throws E_CONFIG_VALUE when a value is no {@link OptimWrapper}
   */
  constructor(wrappers: Record<string, OptimWrapper>) {
    for (const [name, wrapper] of Object.entries(wrappers)) {
      if (!(wrapper instanceof OptimWrapper))
        throw badValue(`OptimWrapperDict.${name}`, wrapper, 'an OptimWrapper');
      if (name.includes('/')) throw badValue('OptimWrapperDict', name, "names without '/'");
    }
    this.wrappers = new Map(Object.entries(wrappers));
  }

  /**
   * @throws E_OPTIM_WRAPPER_DICT_STEP always: which of the wrappers is to step is the model's business
   */
  step(): never {
    throw new EngineError({
      code: 'E_OPTIM_WRAPPER_DICT_STEP',
      what: 'An OptimWrapperDict has no step of its own.',
      expected: `a step of one of ${listNames(this.wrappers.keys())}`,
      fix: "write a trainStep that calls optimWrapper.get('name').step(...) for each part",
    });
  }

  get size(): number {
    return this.wrappers.size;
  }

  has(name: string): boolean {
    return this.wrappers.has(name);
  }

  /**
   * @throws E_OPTIM_WRAPPER_NAME for an unknown name
   */
  get(name: string): OptimWrapper {
    const wrapper = this.wrappers.get(name);
    if (wrapper) return wrapper;
    throw new EngineError({
      code: 'E_OPTIM_WRAPPER_NAME',
      what: `There is no optimizer wrapper called '${name}'.`,
      received: `'${name}'`,
      expected: `one of ${listNames(this.wrappers.keys())}`,
      didYouMean: nearest(name, this.wrappers.keys()),
    });
  }

  names(): string[] {
    return [...this.wrappers.keys()];
  }

  entries(): [string, OptimWrapper][] {
    return [...this.wrappers];
  }

  /** Does nothing: the wrappers may step at rates of their own, so the run's counts say nothing about theirs. */
  initializeCountStatus(_model: ParamSource, _current: number, _max: number): void {}

  zeroGrad(): void {
    for (const wrapper of this.wrappers.values()) wrapper.zeroGrad();
  }

  /** Learning rates as `name.lr` and `name.base_lr`. */
  getLr(): Record<string, number[]> {
    return this.prefixed((wrapper) => wrapper.getLr());
  }

  /** Momentum as `name.momentum`. */
  getMomentum(): Record<string, number[]> {
    return this.prefixed((wrapper) => wrapper.getMomentum());
  }

  get paramGroups(): Record<string, ParamGroup[]> {
    return Object.fromEntries(this.entries().map(([name, wrapper]) => [name, wrapper.paramGroups]));
  }

  stateDict(): TensorState {
    const tensors: Record<string, Tensor> = {};
    const json: Record<string, unknown> = {};
    for (const [name, wrapper] of this.wrappers) {
      const state = wrapper.stateDict();
      json[name] = state.json;
      for (const [key, tensor] of Object.entries(state.tensors)) tensors[`${name}/${key}`] = tensor;
    }
    return { tensors, json };
  }

  /**
   * @throws E_OPTIM_WRAPPER_NAME for a state of an unknown wrapper, and as {@link OptimWrapper.loadStateDict}
   */
  loadStateDict(state: TensorState): void {
    const states = Object.entries(state.json as Record<string, unknown>);
    const targets = states.map(([name, json]) => ({ name, json, wrapper: this.get(name) }));
    for (const { name, json, wrapper } of targets) {
      const own = Object.entries(state.tensors)
        .filter(([key]) => key.startsWith(`${name}/`))
        .map(([key, tensor]) => [key.slice(name.length + 1), tensor] as const);
      wrapper.loadStateDict({ tensors: Object.fromEntries(own), json });
    }
  }

  /** True while the parameters hold what evaluation should see. */
  get evaluating(): boolean {
    return [...this.wrappers.values()].some((wrapper) => wrapper.evaluating);
  }

  eval(): void {
    for (const wrapper of this.wrappers.values()) wrapper.eval();
  }

  train(): void {
    for (const wrapper of this.wrappers.values()) wrapper.train();
  }

  dispose(): void {
    for (const wrapper of this.wrappers.values()) wrapper.dispose();
  }

  private prefixed(read: (wrapper: OptimWrapper) => Record<string, number[]>): Record<string, number[]> {
    const all: Record<string, number[]> = {};
    for (const [name, wrapper] of this.wrappers) {
      for (const [key, values] of Object.entries(read(wrapper))) all[`${name}.${key}`] = values;
    }
    return all;
  }
}
