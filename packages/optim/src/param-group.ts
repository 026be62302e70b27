import { badValue, checkKeys, EngineError } from '@engine/core';
import type { ParamRef, Variable } from '@engine/tensor';

/**
 * Parameters that share their settings. Beside `lr` a group holds every option of its optimizer, and whatever the
 * schedulers record in it (`initialLr`); all of it is numbers, booleans, strings and lists, so that it can be saved
 * as JSON.
 */
export interface ParamGroup {
  params: ParamRef[];
  /** Learning rate in force. */
  lr: number;
  [option: string]: unknown;
}

/** A group as given to an optimizer's constructor: options that are absent come from the optimizer. */
export interface ParamGroupInput {
  params: ParamRef[];
  [option: string]: unknown;
}

/** What an optimizer's constructor takes: parameters, or groups of parameters with settings of their own. */
export type ParamsInput = readonly ParamRef[] | readonly ParamGroupInput[];

/** Keys that schedulers write into groups, so that groups with them can be handed to an optimizer again. */
const SCHEDULER_KEYS = ['initialLr', 'initialMomentum'];

function isGroups(input: ParamsInput): input is readonly ParamGroupInput[] {
  const first = input[0];
  return first !== undefined && 'params' in first;
}

/**
 * Turns a constructor's first argument into complete groups.
 * @param owner the optimizer's name, for messages
 * @throws E_OPTIM_EMPTY without any parameter, E_OPTIM_DUPLICATE_PARAM when one stands twice
 */
export function toParamGroups(
  owner: string,
  input: ParamsInput,
  defaults: Readonly<Record<string, unknown>>,
): ParamGroup[] {
  if (!Array.isArray(input))
    throw badValue(`${owner}.params`, input, 'a list of parameters or of parameter groups');
  const given = isGroups(input) ? input : [{ params: [...(input as readonly ParamRef[])] }];
  const seen = new Set<Variable>();
  const groups = given.map((group) => toParamGroup(owner, group, defaults, seen));
  if (seen.size === 0) {
    throw new EngineError({
      code: 'E_OPTIM_EMPTY',
      what: `${owner} got no parameters.`,
      expected: 'at least one parameter',
      fix: 'check that the model has parameters and that paramwiseCfg does not leave all of them out',
    });
  }
  return groups;
}

/** One complete group; its variables are added to `seen`. */
export function toParamGroup(
  owner: string,
  group: ParamGroupInput,
  defaults: Readonly<Record<string, unknown>>,
  seen: Set<Variable>,
): ParamGroup {
  const { params, ...options } = group;
  checkKeys(`A parameter group of ${owner}`, options, [...Object.keys(defaults), ...SCHEDULER_KEYS]);
  for (const param of params) {
    if (seen.has(param.variable)) {
      throw new EngineError({
        code: 'E_OPTIM_DUPLICATE_PARAM',
        what: `The parameter '${param.name}' was given to ${owner} more than once.`,
        expected: 'each parameter in one group, once',
        fix: 'set paramwiseCfg.bypassDuplicate = true to keep the first of each',
      });
    }
    seen.add(param.variable);
  }
  return { ...defaults, ...definedOnly(options), params: [...params] } as ParamGroup;
}

/** The settings of a group without its parameters: what is saved, and what the synthetic base group starts from. */
export function groupSettings(group: ParamGroup): Record<string, unknown> {
  const { params: _params, ...settings } = group;
  return settings;
}

/** Options without those that are undefined, so that `{ lr: undefined }` means the default. */
export function definedOnly(options: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
}
