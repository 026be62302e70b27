import type { ParamLayout, Variable } from '@engine/tensor';

/** What a module remembers about one of its variables. */
export interface VariableInfo {
  role: 'parameter' | 'buffer';
  layout: ParamLayout;
  /** Name in state dicts where it differs from the property. */
  name?: string | undefined;
}

const infos = new WeakMap<Variable, VariableInfo>();

export function describeVariable(variable: Variable, info: VariableInfo): void {
  infos.set(variable, info);
}

/** A variable that was not made by a module's own methods is a parameter when it is trainable, else a buffer. */
export function infoOf(variable: Variable): VariableInfo {
  let info = infos.get(variable);
  if (!info) {
    info = { role: variable.trainable ? 'parameter' : 'buffer', layout: 'none' };
    infos.set(variable, info);
  }
  return info;
}

/** Appends a name to a dotted path. */
export function joinName(path: string, name: string): string {
  return path && name ? `${path}.${name}` : path || name;
}
