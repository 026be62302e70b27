import { EngineError, isHostArray, listNames, nearest, type HostArray } from '@engine/core';
import { copyTensor, noGrad, tf, toTensor, type Tensor, type Variable } from '@engine/tensor';

import type { Module } from './module.js';
import { TorchArray } from './torch-layout.js';

/** Values by dotted name, in memory layout. */
export type StateSource = Readonly<Record<string, Tensor | HostArray>>;

export interface LoadOptions {
  /** Make anything that does not fit an error; false unless said. */
  strict?: boolean;
}

/** What did not fit when a state dict was loaded. */
export interface LoadReport {
  /** Names that the model has and the state has not. */
  missing: string[];
  /** Names that the state has and the model has not. */
  unexpected: string[];
  mismatched: { name: string; expected: number[]; received: number[] }[];
}

/** Gives `variable` a new value, of which it becomes the owner. */
export function assign(variable: Variable, value: Tensor): void {
  variable.assign(value);
  value.dispose();
}

function valueFor(variable: Variable, source: Tensor | HostArray): Tensor {
  const dtype = variable.dtype as 'float32' | 'int32' | 'bool';
  if (source instanceof TorchArray) return source.toTensor(dtype);
  if (isHostArray(source)) return toTensor(source, dtype);
  return source.dtype === dtype ? copyTensor(source) : tf.cast(source, dtype);
}

export function loadState(
  entries: readonly (readonly [string, Variable, Module])[],
  state: StateSource,
  { strict = false }: LoadOptions,
): LoadReport {
  const known = new Set(entries.map(([name]) => name));
  const report: LoadReport = {
    missing: entries
      .map(([name]) => name)
      .filter((name) => !(name in state) && !name.endsWith('num_batches_tracked')),
    unexpected: Object.keys(state).filter((name) => !known.has(name)),
    mismatched: [],
  };
  const fitting = entries.filter(([name, variable]) => {
    const source = state[name];
    if (!source) return false;
    if (tf.util.arraysEqual(source.shape as number[], variable.shape)) return true;
    report.mismatched.push({ name, expected: [...variable.shape], received: [...source.shape] });
    return false;
  });
  if (strict) checkReport(report, known);
  noGrad(() => {
    for (const [name, variable, owner] of fitting) {
      assign(variable, valueFor(variable, state[name]!));
      owner.loaded = true;
    }
  });
  return report;
}

function checkReport({ missing, unexpected, mismatched }: LoadReport, known: ReadonlySet<string>): void {
  if (!missing.length && !unexpected.length && !mismatched.length) return;
  const parts = [
    missing.length && `missing ${listNames(missing)}`,
    unexpected.length && `unexpected ${listNames(unexpected)}`,
    mismatched.length &&
      mismatched
        .map((m) => `${m.name} is [${m.received.join(', ')}], not [${m.expected.join(', ')}]`)
        .slice(0, 4)
        .join('; '),
  ];
  throw new EngineError({
    code: 'E_STATE_DICT',
    what: 'The state dict does not fit the model.',
    received: parts.filter(Boolean).join('; '),
    expected: `exactly the ${known.size} entries of the model`,
    didYouMean: unexpected[0] && nearest(unexpected[0], missing),
    fix: 'load it without `strict` to take what fits',
  });
}

export function setRequiresGrad(
  parameters: readonly [string, Variable][],
  pattern: string | RegExp | undefined,
  requiresGrad: boolean,
): void {
  const matches = (name: string): boolean =>
    pattern === undefined ||
    (pattern instanceof RegExp ? pattern.test(name) : name === pattern || name.startsWith(`${pattern}.`));
  const chosen = parameters.filter(([name]) => matches(name));
  if (chosen.length === 0 && pattern !== undefined) {
    const names = parameters.map(([name]) => name);
    const prefixes = new Set(
      names.flatMap((name) => name.split('.').map((_, i, parts) => parts.slice(0, i + 1).join('.'))),
    );
    throw new EngineError({
      code: 'E_MODULE_NO_PARAMETER',
      what: 'No parameter of the module matches the pattern.',
      received: String(pattern),
      expected: `a name, or its beginning up to a dot, among ${listNames(names)}`,
      didYouMean: pattern instanceof RegExp ? undefined : nearest(pattern, prefixes),
    });
  }
  for (const [, variable] of chosen) variable.trainable = requiresGrad;
}
