import { EngineError, listNames, nearest } from '@engine/core';
import type { ParamRef, Tensor, TensorState, Variable } from '@engine/tensor';
import { groupSettings, type ParamGroup } from './param-group.js';
import { copyToVariable, disposeBuffers, type ParamState } from './param-state.js';

/** The inside of an optimizer, as far as saving and loading need it. */
export interface OptimizerStateParts {
  owner: string;
  stepCount: number;
  groups: ParamGroup[];
  states: Map<Variable, ParamState>;
  bufferShape(buffer: string, param: ParamRef): readonly number[];
}

interface SavedParam {
  step: number;
  numbers: Record<string, number>;
  /** Names of the buffers; the tensors are called `<parameter>.<buffer>`. */
  buffers: string[];
}

interface SavedOptimizer {
  stepCount: number;
  groups: { params: string[]; settings: Record<string, unknown> }[];
  params: Record<string, SavedParam>;
}

export function exportState(parts: OptimizerStateParts): TensorState {
  const tensors: Record<string, Tensor> = {};
  const json: SavedOptimizer = { stepCount: parts.stepCount, groups: [], params: {} };
  for (const group of parts.groups) {
    json.groups.push({
      params: group.params.map((p) => p.name),
      settings: structuredClone(groupSettings(group)),
    });
    for (const param of group.params) {
      const state = parts.states.get(param.variable);
      if (!state) continue;
      json.params[param.name] = {
        step: state.step,
        numbers: { ...state.numbers },
        buffers: Object.keys(state.buffers),
      };
      for (const [buffer, variable] of Object.entries(state.buffers))
        tensors[`${param.name}.${buffer}`] = variable;
    }
  }
  return { tensors, json };
}

/**
 * Loads a state into the parts; nothing is changed when it does not fit.
 * @returns the step count
 */
export function importState(state: TensorState, parts: OptimizerStateParts): number {
  const saved = state.json as SavedOptimizer;
  checkNames(saved, parts);
  const settings = parts.groups.map((group) => settingsFor(group, saved, parts.owner));
  for (const group of parts.groups) {
    for (const param of group.params) checkBuffers(param, saved.params[param.name], state, parts);
  }
  parts.groups.forEach((group, i) => {
    Object.assign(group, structuredClone(settings[i]));
    for (const param of group.params) {
      const old = parts.states.get(param.variable);
      if (old) disposeBuffers(old);
      parts.states.delete(param.variable);
      const from = saved.params[param.name];
      if (!from) continue;
      const buffers: Record<string, Variable> = {};
      for (const buffer of from.buffers)
        buffers[buffer] = copyToVariable(state.tensors[`${param.name}.${buffer}`]!);
      parts.states.set(param.variable, { step: from.step, numbers: { ...from.numbers }, buffers });
    }
  });
  return saved.stepCount;
}

function checkNames(saved: SavedOptimizer, parts: OptimizerStateParts): void {
  const here = new Set(parts.groups.flatMap((g) => g.params.map((p) => p.name)));
  const there = new Set(saved.groups.flatMap((g) => g.params));
  const missing = [...here].filter((name) => !there.has(name));
  const extra = [...there].filter((name) => !here.has(name));
  if (missing.length === 0 && extra.length === 0) return;
  const lines: string[] = [];
  if (missing.length > 0) lines.push(`without ${listNames(missing)}`);
  if (extra.length > 0) lines.push(`with ${listNames(extra)}, which the optimizer does not have`);
  throw new EngineError({
    code: 'E_OPTIM_STATE_PARAMS',
    what: `The saved state of ${parts.owner} belongs to other parameters than it has here.`,
    received: `a state ${lines.join(', and ')}`,
    expected: `the ${here.size} parameters of this optimizer, by name`,
    didYouMean: extra[0] === undefined ? undefined : nearest(extra[0], missing),
    fix: 'resume with the model and paramwiseCfg it was saved with, or load the weights only',
  });
}

function settingsFor(group: ParamGroup, saved: SavedOptimizer, owner: string): Record<string, unknown> {
  const names = new Set(group.params.map((p) => p.name));
  const sources = saved.groups.filter((g) => g.params.some((name) => names.has(name)));
  const first = sources[0];
  if (!first) return groupSettings(group);
  const text = JSON.stringify(first.settings);
  const other = sources.find((g) => JSON.stringify(g.settings) !== text);
  if (other) {
    const [a, b] = [first, other].map((g) => g.params.find((name) => names.has(name)));
    throw new EngineError({
      code: 'E_OPTIM_STATE_GROUPS',
      what: `One parameter group of ${owner} would have to take over two different settings.`,
      received: `'${a}' with ${text}, '${b}' with ${JSON.stringify(other.settings)}`,
      expected: 'parameters of one group to have been saved with the same settings',
      fix: 'resume with the paramwiseCfg that the state was saved with',
    });
  }
  return first.settings;
}

function checkBuffers(
  param: ParamRef,
  saved: SavedParam | undefined,
  state: TensorState,
  parts: OptimizerStateParts,
): void {
  for (const buffer of saved?.buffers ?? []) {
    const tensor = state.tensors[`${param.name}.${buffer}`];
    const shape = parts.bufferShape(buffer, param);
    if (tensor && tensor.shape.length === shape.length && shape.every((n, i) => n === tensor.shape[i]))
      continue;
    throw new EngineError({
      code: 'E_OPTIM_STATE_TENSOR',
      what: `The saved state of ${parts.owner} does not fit the parameter '${param.name}'.`,
      received: tensor
        ? `${buffer} of shape [${tensor.shape.join(', ')}]`
        : `no tensor '${param.name}.${buffer}'`,
      expected: `${buffer} of shape [${shape.join(', ')}]`,
      fix: 'resume with the model it was saved with, or load the weights only',
    });
  }
}
