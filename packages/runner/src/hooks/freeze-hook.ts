import { badValue, checkKeys, HOOKS, register } from '@engine/core';
import type { Module } from '@engine/nn';
import type { ParamGroup } from '@engine/optim';
import type { ParamRef, Variable } from '@engine/tensor';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface FreezeHookOptions {
  /** What to freeze: names of parameters or modules, or their beginnings up to a dot: `backbone.layer1`. */
  names: string | readonly string[];
  /** Epochs or iterations trained before it freezes; 0, from the start. */
  begin?: number;
  /** Epochs or iterations trained before it is set free again; never unless said. */
  end?: number;
  /** Whether `begin` and `end` count epochs or iterations; the train loop's unit unless said. */
  byEpoch?: boolean;
  /** Keep the frozen modules in evaluation mode: batch statistics and dropout rest too; false. */
  evalMode?: boolean;
  priority?: number | string;
}

/**
 * Freezes parameters by name for a part of training. What is frozen follows from the counters alone, so a resumed run
 * needs no state for it. Parameters that the model itself had frozen stay as they are.
 */
@register(HOOKS)
export class FreezeHook extends Hook {
  private readonly options: FreezeHookOptions;
  private readonly names: readonly string[];
  private params: ParamRef[] = [];
  private modules: Module[] = [];
  private byEpoch = true;
  private frozen = false;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: FreezeHookOptions) {
    super();
    checkKeys('FreezeHook', options, ['names', 'begin', 'end', 'byEpoch', 'evalMode', 'priority']);
    this.names = [options.names].flat();
    if (this.names.length === 0 || !this.names.every((name) => typeof name === 'string' && name !== '')) {
      throw badValue('FreezeHook.names', options.names, "names of parameters or modules, such as 'backbone'");
    }
    const { begin = 0, end = Infinity } = options;
    if (!(begin >= 0)) throw badValue('FreezeHook.begin', begin, 'a number of 0 or more');
    if (!(end > begin)) throw badValue('FreezeHook.end', end, `a number above begin, which is ${begin}`);
    this.options = options;
  }

  /** @throws E_MODULE_NO_PARAMETER when a name matches no parameter */
  override beforeTrain(run: Run): void {
    this.release();
    this.byEpoch = this.options.byEpoch ?? run.trainLoop!.byEpoch;
    const all = run.model.paramRefs();
    const chosen = new Set<Variable>();
    for (const name of this.names) {
      const matching = all.filter((param) => matches(param.name, name));
      // The module's own method says which names exist; nothing matches here either, so it changes nothing.
      if (matching.length === 0) run.model.freeze(name);
      for (const { variable, requiresGrad } of matching) if (requiresGrad) chosen.add(variable);
    }
    this.params = Object.values<ParamGroup | ParamGroup[]>(run.optimWrapper.paramGroups)
      .flat()
      .flatMap((group) => group.params.filter(({ variable }) => chosen.has(variable)));
    this.modules = run.model
      .namedModules()
      .filter(([path]) => this.names.some((name) => matches(path, name)))
      .map(([, module]) => module);
    this.apply(run, this.byEpoch ? run.epoch : run.iter);
  }

  override beforeTrainEpoch(run: Run): void {
    if (this.byEpoch) this.apply(run, run.epoch);
  }

  override beforeTrainIter(run: Run): void {
    if (!this.byEpoch) this.apply(run, run.iter);
    // The loop has just put the whole model into training mode.
    if (this.frozen && this.options.evalMode) for (const module of this.modules) module.training = false;
  }

  override afterRun(): void {
    this.release();
  }

  private apply(run: Run, done: number): void {
    const { begin = 0, end = Infinity } = this.options;
    const frozen = done >= begin && done < end;
    if (frozen === this.frozen) return;
    this.set(frozen);
    if (!frozen && this.options.evalMode) for (const module of this.modules) module.training = true;
    run.logger.info(`${frozen ? 'Frozen' : 'Set free'}: ${this.names.join(', ')}`);
  }

  private set(frozen: boolean): void {
    this.frozen = frozen;
    for (const param of this.params) {
      param.requiresGrad = !frozen;
      param.variable.trainable = !frozen;
    }
  }

  private release(): void {
    if (this.frozen) this.set(false);
  }
}

function matches(path: string, name: string): boolean {
  return path === name || path.startsWith(`${name}.`);
}

declare module '@engine/core' {
  interface HookTypes {
    FreezeHook: FreezeHookOptions;
  }
}
