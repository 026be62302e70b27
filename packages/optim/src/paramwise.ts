import { badValue, checkKeys } from '@engine/core';
import type { ParamRef, Variable } from '@engine/tensor';
import { groupSettings, type ParamGroup, type ParamGroupInput } from './param-group.js';
import { warn } from './warn.js';

/** Settings for parameters whose full name contains a key; anything beside the two factors is an optimizer option. */
export interface CustomKey {
  /** Factor on the learning rate; 1. */
  lrMult?: number;
  /** Factor on the weight decay; 1. */
  decayMult?: number;
  [option: string]: unknown;
}

/** Settings that differ by parameter. */
export interface ParamwiseConfig {
  /** By part of the full name: the longest key that occurs wins, and no other rule applies to that parameter. */
  customKeys?: Record<string, CustomKey>;
  /** Factor on the learning rate of biases, those of norm layers excepted. */
  biasLrMult?: number;
  /** Factor on the weight decay of biases, those of norm layers excepted when `normDecayMult` is given. */
  biasDecayMult?: number;
  /** Factor on the weight decay of norm layers. */
  normDecayMult?: number;
  /** Factor on the weight decay of depthwise convolutions. */
  dwconvDecayMult?: number;
  /** Factor on the weight decay of one-dimensional parameters that no other rule covers. */
  flatDecayMult?: number;
  /**
   * Factor on the learning rate of the convolution of offsets in a deformable convolution, whose bias no rule for biases
   * and one-dimensional parameters covers.
   */
  dcnOffsetLrMult?: number;
  /** Skip a parameter that was listed before, instead of refusing it; false. */
  bypassDuplicate?: boolean;
}

const KEYS = [
  'customKeys',
  'biasLrMult',
  'biasDecayMult',
  'normDecayMult',
  'dwconvDecayMult',
  'flatDecayMult',
  'dcnOffsetLrMult',
  'bypassDuplicate',
];

/** Options of the optimizer that the factors multiply; undefined where the config does not give them. */
export interface BaseSettings {
  lr?: number | undefined;
  weightDecay?: number | undefined;
}

/**
 * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE for a factor without its base value
 */
export function checkParamwise(config: ParamwiseConfig, base: BaseSettings): void {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw badValue('paramwiseCfg', config, 'an object');
  }
  checkKeys('paramwiseCfg', config, KEYS, 'paramwiseCfg');
  const { customKeys = {} } = config;
  if (typeof customKeys !== 'object' || customKeys === null || Array.isArray(customKeys)) {
    throw badValue('paramwiseCfg.customKeys', customKeys, 'an object from parts of names to settings');
  }
  const factors: [string, unknown, keyof BaseSettings][] = [
    ['biasLrMult', config.biasLrMult, 'lr'],
    ['biasDecayMult', config.biasDecayMult, 'weightDecay'],
    ['dcnOffsetLrMult', config.dcnOffsetLrMult, 'lr'],
    ['normDecayMult', config.normDecayMult, 'weightDecay'],
    ['dwconvDecayMult', config.dwconvDecayMult, 'weightDecay'],
    ['flatDecayMult', config.flatDecayMult, 'weightDecay'],
  ];
  for (const [key, custom] of Object.entries(customKeys)) {
    if (typeof custom !== 'object' || custom === null)
      throw badValue(`customKeys.${key}`, custom, 'an object');
    factors.push([`customKeys.${key}.lrMult`, custom.lrMult, 'lr']);
    factors.push([`customKeys.${key}.decayMult`, custom.decayMult, 'weightDecay']);
  }
  for (const [key, factor, option] of factors) {
    if (factor === undefined) continue;
    const name = `paramwiseCfg.${key}`;
    if (typeof factor !== 'number' || !(factor >= 0))
      throw badValue(name, factor, 'a number that is not negative');
    if (base[option] === undefined) {
      throw badValue(name, factor, `optimizer.${option} to multiply`, `give optimizer.${option} explicitly`);
    }
  }
}

/**
 * Distributes parameters over groups of equal settings, in the order in which the settings first appear. Frozen
 * parameters are left out.
 * @param lrScale a last factor on the learning rate of a parameter; needs `base.lr`
 */
export function paramwiseGroups(
  params: readonly ParamRef[],
  config: ParamwiseConfig,
  base: BaseSettings,
  lrScale?: (param: ParamRef) => number,
): ParamGroupInput[] {
  // Longest key first, alphabetical among equals: the first that occurs in the name wins.
  const keys = Object.keys(config.customKeys ?? {}).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const groups = new Map<string, ParamGroupInput>();
  const seen = new Set<Variable>();
  const frozen: string[] = [];
  const duplicates: string[] = [];
  for (const param of params) {
    if (!param.requiresGrad) {
      frozen.push(param.name);
      continue;
    }
    if (seen.has(param.variable) && config.bypassDuplicate) {
      duplicates.push(param.name);
      continue;
    }
    seen.add(param.variable);
    const settings = settingsOf(param, config, keys, base);
    if (lrScale) settings.lr = (settings.lr as number) * lrScale(param);
    const id = JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
    const group = groups.get(id);
    if (group) group.params.push(param);
    else groups.set(id, { params: [param], ...settings });
  }
  if (frozen.length > 0) {
    warn(
      'W_OPTIM_FROZEN',
      `${frozen.length} frozen parameters are not given to the optimizer, first '${frozen[0]}'.`,
    );
  }
  if (duplicates.length > 0) {
    warn(
      'W_OPTIM_DUPLICATE',
      `${duplicates.length} parameters stand twice and count once, first '${duplicates[0]}'.`,
    );
  }
  return [...groups.values()];
}

/** Lines that say which parameters differ from the optimizer's own settings: `fc.bias: lr=0.02`. */
export function describeGroups(
  groups: readonly ParamGroup[],
  defaults: Readonly<Record<string, unknown>>,
): string[] {
  return groups.flatMap((group) => {
    const differing = Object.entries(groupSettings(group)).filter(
      ([key, value]) => key in defaults && JSON.stringify(value) !== JSON.stringify(defaults[key]),
    );
    const text = differing.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(', ');
    return text ? group.params.map((param) => `${param.name}: ${text}`) : [];
  });
}

function settingsOf(
  param: ParamRef,
  config: ParamwiseConfig,
  keys: readonly string[],
  base: BaseSettings,
): Record<string, unknown> {
  // The reference joins the module's name, empty for the model itself, and the parameter's by a dot.
  const fullName = param.name.includes('.') ? param.name : `.${param.name}`;
  const key = keys.find((part) => fullName.includes(part));
  if (key !== undefined) {
    const { lrMult = 1, decayMult = 1, ...options } = config.customKeys![key]!;
    return { ...scaled(base, lrMult, decayMult), ...options };
  }
  const isNorm = param.ownerKind === 'norm';
  const isBias = param.leaf === 'bias' && param.holderKind !== 'deformConv';
  const lrMult = lrMultOf(param, config, isBias && !isNorm);
  return scaled(base, lrMult, decayMultOf(param, config, isNorm, isBias));
}

function lrMultOf(param: ParamRef, config: ParamwiseConfig, isBias: boolean): number | undefined {
  const { name, ownerKind, holderKind } = param;
  const isOffset =
    holderKind === 'deformConv' && /^(conv|depthwiseConv)$/.test(ownerKind) && /conv_?offset/i.test(name);
  if (isOffset && config.dcnOffsetLrMult !== undefined) return config.dcnOffsetLrMult;
  return isBias ? config.biasLrMult : undefined;
}

function decayMultOf(
  param: ParamRef,
  config: ParamwiseConfig,
  isNorm: boolean,
  isBias: boolean,
): number | undefined {
  if (isNorm && config.normDecayMult !== undefined) return config.normDecayMult;
  if (isBias && config.biasDecayMult !== undefined) return config.biasDecayMult;
  if (param.ownerKind === 'depthwiseConv' && config.dwconvDecayMult !== undefined)
    return config.dwconvDecayMult;
  const isFlat = param.variable.shape.length === 1 && param.holderKind !== 'deformConv';
  return isFlat ? config.flatDecayMult : undefined;
}

function scaled(base: BaseSettings, lrMult = 1, decayMult = 1): Record<string, number> {
  const settings: Record<string, number> = {};
  if (base.lr !== undefined) settings.lr = base.lr * lrMult;
  if (base.weightDecay !== undefined) settings.weightDecay = base.weightDecay * decayMult;
  return settings;
}
