import { badValue, EngineError, isHostArray, type HostArray } from '@engine/core';
import { copyTensor, emaUpdate, noGrad, tf, toTensor, type Tensor, type Variable } from '@engine/tensor';

import type { Module } from '../module.js';
import { infoOf } from '../parameter.js';
import { assign } from '../state-dict.js';

export interface AveragedModelOptions {
  /** Updates between two averagings; 1. The first update always copies. */
  interval?: number;
  /** Average buffers (of floating point) too, instead of using the model's own; false. */
  updateBuffers?: boolean;
}

/** Names of the options that {@link BaseAveragedModel} reads, for the key check of a subclass. */
export const AVERAGED_MODEL_OPTIONS = ['interval', 'updateBuffers'] as const;

/**
 * A second set of weights that follows a model's. It holds averages of the parameters (and with `updateBuffers` of the
 * buffers of floating point); all else is the model's own, so that there is one network and two sets of values for it.
 *
 * Averages are added up in one call for all parameters, without waiting for the device.
 */
export abstract class BaseAveragedModel {
  readonly model: Module;
  readonly interval: number;
  readonly updateBuffers: boolean;
  /** Updates made so far. */
  steps = 0;
  /** True while the model holds the averages and this object the model's own weights. */
  swapped = false;
  private readonly names: string[] = [];
  private readonly sources: Variable[] = [];
  private readonly averages: Variable[] = [];

  /** @throws E_CONFIG_VALUE */
  constructor(model: Module, options: AveragedModelOptions = {}) {
    const { interval = 1, updateBuffers = false } = options;
    const owner = new.target.name;
    if (!Number.isInteger(interval) || interval < 1) {
      throw badValue(`${owner}.interval`, interval, 'a whole number of updates above 0');
    }
    if (typeof updateBuffers !== 'boolean') {
      throw badValue(`${owner}.updateBuffers`, updateBuffers, 'true or false');
    }
    this.model = model;
    this.interval = interval;
    this.updateBuffers = updateBuffers;
    const seen = new Set<Variable>();
    for (const [name, variable] of Object.entries(model.stateDict())) {
      const averaged = infoOf(variable).role === 'parameter' || updateBuffers;
      if (!averaged || variable.dtype !== 'float32' || seen.has(variable)) continue;
      seen.add(variable);
      this.names.push(name);
      this.sources.push(variable);
      this.averages.push(shadowOf(variable));
    }
  }

  /**
   * How much of the new value goes into the average in this update, from 0 to 1: average += share · (new − average).
   * Called when an averaging is due, with `steps` updates made before.
   */
  protected abstract share(steps: number): number;

  /** Takes the model's present weights into the averages: copies them at first, later averages every `interval` updates. */
  updateParameters(): void {
    if (this.swapped) throw swappedError('updated');
    if (this.steps === 0) this.copyFromModel();
    else if (this.steps % this.interval === 0) {
      emaUpdate({ averages: this.averages, values: this.sources, share: this.share(this.steps) });
    }
    this.steps++;
  }

  /** Makes the averages equal to the model's weights. */
  copyFromModel(): void {
    noGrad(() => this.averages.forEach((average, i) => assign(average, copyTensor(this.sources[i]!))));
  }

  /** Exchanges averages and weights, without copying; the second call undoes the first. */
  swap(): void {
    noGrad(() => {
      this.averages.forEach((average, i) => {
        const source = this.sources[i]!;
        const held = average.clone();
        average.assign(source);
        source.assign(held);
        held.dispose();
      });
    });
    this.swapped = !this.swapped;
  }

  /** The model's `forward` with the averages as its weights. */
  forward(...args: unknown[]): unknown {
    this.swap();
    let output: unknown;
    try {
      output = (this.model.forward as (...args: unknown[]) => unknown).apply(this.model, args);
    } catch (error) {
      this.swap();
      throw error;
    }
    if (output instanceof Promise) return output.finally(() => this.swap());
    this.swap();
    return output;
  }

  /** What this object holds by name of the model's state dict, in memory layout: the variables themselves. */
  ownState(): Record<string, Variable> {
    return Object.fromEntries(this.names.map((name, i) => [name, this.averages[i]!]));
  }

  /** The state dict of the averaged model: averages, and the model's own variables where nothing is averaged. */
  stateDict(): Record<string, Variable> {
    if (this.swapped) throw swappedError('asked for its state');
    return { ...this.model.stateDict(), ...this.ownState() };
  }

  /**
   * Copies values, in memory layout, into what this object holds.
   * @returns names that it holds and the state has not; they keep their values
   * @throws E_STATE_DICT for a value of another shape
   */
  loadOwnState(state: Readonly<Record<string, Tensor | HostArray>>): string[] {
    const missing: string[] = [];
    noGrad(() => {
      this.names.forEach((name, i) => {
        const value = state[name];
        if (!value) return void missing.push(name);
        const average = this.averages[i]!;
        if (!tf.util.arraysEqual([...value.shape], average.shape)) {
          throw new EngineError({
            code: 'E_STATE_DICT',
            what: `The average of '${name}' does not fit the model.`,
            received: `[${value.shape.join(', ')}]`,
            expected: `[${average.shape.join(', ')}]`,
          });
        }
        assign(average, isHostArray(value) ? toTensor(value, 'float32') : copyTensor(value));
      });
    });
    return missing;
  }

  /** Frees the averages; the model stays. */
  dispose(): void {
    if (this.swapped) this.swap();
    for (const average of this.averages) if (!average.isDisposed) average.dispose();
  }
}

function shadowOf(variable: Variable): Variable {
  return noGrad(() => {
    const copy = copyTensor(variable as Tensor);
    const shadow = tf.variable(copy, false);
    copy.dispose();
    return shadow;
  });
}

function swappedError(verb: string): EngineError {
  return new EngineError({
    code: 'E_AVERAGE_SWAPPED',
    what: `An averaged model was ${verb} while the model holds the averages.`,
    fix: 'call swap() first, which exchanges them back',
  });
}
