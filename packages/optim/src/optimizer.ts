import { tf } from '@engine/tensor';
import type { ParamRef, Scalar, Tensor, TensorState, Variable } from '@engine/tensor';
import { exportState, importState, type OptimizerStateParts } from './optimizer-state.js';
import { disposeBuffers, type ParamState } from './param-state.js';
import {
  toParamGroup,
  toParamGroups,
  type ParamGroup,
  type ParamGroupInput,
  type ParamsInput,
} from './param-group.js';

/** Everything an update rule gets: parallel lists of one group's parameters that have a gradient. */
export interface UpdateBatch {
  group: ParamGroup;
  params: ParamRef[];
  variables: Variable[];
  grads: Tensor[];
  /** States, with `step` already counting this update. */
  states: ParamState[];
}

/** Evaluates the loss and its gradients, for variables that the loss depends on; all of it in the current scope. */
export type GradientClosure = () => { loss: Scalar; grads: ReadonlyMap<Variable, Tensor> };

/**
 * Base of all optimizers. A subclass hands its defaults to `super`, and implements {@link Optimizer.update} for one
 * group; creating, counting, saving and disposing state is done here.
 */
export abstract class Optimizer {
  /** Name in messages; the name of the class. */
  readonly name: string;
  /** The options that groups start from. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly paramGroups: ParamGroup[];
  /** True for optimizers that evaluate the loss themselves: `step` takes a {@link GradientClosure} only. */
  readonly needsClosure: boolean = false;
  /** Calls of {@link Optimizer.step} so far. */
  stepCount = 0;
  private readonly states = new Map<Variable, ParamState>();

  /**
   * @param params parameters, or groups of them with settings of their own
   * @param defaults every option of the optimizer with its value, checked by the subclass for unknown keys
   * @throws E_OPTIM_EMPTY, E_OPTIM_DUPLICATE_PARAM, E_CONFIG_VALUE for a setting out of range
   */
  constructor(params: ParamsInput, defaults: Record<string, unknown>) {
    this.name = new.target.name;
    this.defaults = defaults;
    this.paramGroups = toParamGroups(this.name, params, defaults);
    for (const group of this.paramGroups) this.checkGroup(group);
  }

  /** Adds parameters later, for instance after unfreezing; `group` may override any option. */
  addParamGroup(group: ParamGroupInput): void {
    const seen = new Set(this.paramGroups.flatMap((g) => g.params.map((p) => p.variable)));
    const added = toParamGroup(this.name, group, this.defaults, seen);
    this.checkGroup(added);
    this.paramGroups.push(added);
  }

  /**
   * Updates every parameter that has a gradient and is not frozen. The gradients stay the caller's.
   * @param grads gradient of each variable, of its shape, or a function that evaluates them
   * @returns the loss, where a function evaluated it
   */
  step(grads: ReadonlyMap<Variable, Tensor> | GradientClosure): Scalar | void {
    if (typeof grads === 'function') {
      const evaluated = grads();
      this.step(evaluated.grads);
      return evaluated.loss;
    }
    const engine = tf.engine();
    engine.startScope('optimizerStep');
    try {
      for (const group of this.paramGroups) {
        const batch: UpdateBatch = { group, params: [], variables: [], grads: [], states: [] };
        for (const param of group.params) {
          const grad = param.requiresGrad ? grads.get(param.variable) : undefined;
          if (!grad) continue;
          const state = this.stateOf(param, group);
          state.step++;
          batch.params.push(param);
          batch.variables.push(param.variable);
          batch.grads.push(grad);
          batch.states.push(state);
        }
        if (batch.params.length > 0) this.update(batch);
      }
      this.stepCount++;
    } finally {
      engine.endScope();
    }
  }

  /**
   * Settings of the groups and state of the parameters, by parameter name. The tensors are the live ones: read or
   * copy them before the next step.
   */
  stateDict(): TensorState {
    return exportState(this.stateParts());
  }

  /**
   * Takes over settings and state. Parameters are matched by name, so their order and their distribution over groups
   * may have changed. The settings in the state win over those of the config, as in PyTorch.
   * @throws E_OPTIM_STATE_PARAMS when the names differ, E_OPTIM_STATE_GROUPS when one group here would need two
   *   different settings, E_OPTIM_STATE_TENSOR when a tensor is missing or has another shape
   */
  loadStateDict(state: TensorState): void {
    this.stepCount = importState(state, this.stateParts());
  }

  /**
   * Puts what evaluation and export should see into the parameters. Nearly all optimizers have nothing but what is
   * there; those that do override this and {@link Optimizer.train}.
   */
  eval(): void {}

  /** Puts what training goes on from back into the parameters. */
  train(): void {}

  /** Frees the state. The parameters are not the optimizer's and stay. */
  dispose(): void {
    for (const state of this.states.values()) disposeBuffers(state);
    this.states.clear();
  }

  /** Applies the rule to one group; runs inside a scope, so intermediate tensors need no care. */
  protected abstract update(batch: UpdateBatch): void;

  /** Throws E_CONFIG_VALUE for a setting out of range. Called while constructing: may use the group only. */
  protected abstract checkGroup(group: ParamGroup): void;

  /** State before the first update; add buffers with `newBuffer`. */
  protected initState(_param: ParamRef, _group: ParamGroup): Pick<ParamState, 'buffers' | 'numbers'> {
    return { buffers: {}, numbers: {} };
  }

  /** Shape that a saved buffer must have. */
  protected bufferShape(_buffer: string, param: ParamRef): readonly number[] {
    return param.variable.shape;
  }

  /** The state of a parameter that has been updated, or loaded. */
  protected existingState(param: ParamRef): ParamState | undefined {
    return this.states.get(param.variable);
  }

  /** The state of a parameter, created if need be. */
  protected stateOf(param: ParamRef, group: ParamGroup): ParamState {
    let state = this.states.get(param.variable);
    if (!state) {
      state = { step: 0, ...this.initState(param, group) };
      this.states.set(param.variable, state);
    }
    return state;
  }

  private stateParts(): OptimizerStateParts {
    return {
      owner: this.name,
      stepCount: this.stepCount,
      groups: this.paramGroups,
      states: this.states,
      bufferShape: (buffer, param) => this.bufferShape(buffer, param),
    };
  }
}
