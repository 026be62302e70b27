import type { ConfigLayer, ConfigRead, ConfigValues } from '@engine/core';
import { engineType } from './table.js';

/** One type that a config names. */
export interface TypeUse {
  /** As the config writes it. */
  type: string;
  /** The engine's name; undefined where it has no counterpart. */
  counterpart: string | undefined;
  /** Dotted paths of the mappings that name it. */
  paths: string[];
}

/** The keys of MMEngine's runner; other names at the top of a config are variables that helped to write it. */
const RUNNER_KEYS = new Set(
  (
    'auto_scale_lr custom_hooks custom_imports data_preprocessor default_hooks default_scope env_cfg experiment_name ' +
    'launcher load_from log_level log_processor model optim_wrapper param_scheduler randomness resume test_cfg ' +
    'test_dataloader test_evaluator train_cfg train_dataloader val_cfg val_dataloader val_evaluator visualizer work_dir'
  ).split(' '),
);

/** Options whose own keys are data: names of parameters, classes or fields. */
const DATA = new Set(['custom_keys', 'metainfo', 'keypoint_info', 'skeleton_info']);

/**
 * Every type that a config names, those without a counterpart in the engine first.
 *
 * @example
 * const config = await loadConfig('mmpretrain/configs/resnet/resnet18_8xb16_cifar10.py');
 * for (const { type, counterpart } of typesOf(config.values)) if (!counterpart) console.log(type);
 */
export function typesOf(values: ConfigValues): TypeUse[] {
  const uses = new Map<string, TypeUse>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { type } = value as { type?: unknown };
    if (typeof type === 'string' && !Array.isArray(value)) {
      const use = uses.get(type) ?? { type, counterpart: engineType(type), paths: [] };
      uses.set(type, use);
      use.paths.push(path);
    }
    for (const [key, member] of Object.entries(value)) visit(member, path === '' ? key : `${path}.${key}`);
  };
  visit(values, '');
  return [...uses.values()].sort(
    (a, b) => Number(a.counterpart !== undefined) - Number(b.counterpart !== undefined),
  );
}

function camelCase(key: string): string {
  return /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/.test(key)
    ? key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    : key;
}

/**
 * A config of OpenMMLab in the engine's own words: keys in camelCase, types by the names they have here (those without a
 * counterpart stay as they are; see {@link typesOf}), and without the variables that no runner reads.
 */
export function convertValues(values: ConfigValues): ConfigValues {
  const known = Object.entries(values).filter(([key]) => RUNNER_KEYS.has(key));
  return convert(Object.fromEntries(known), false) as ConfigValues;
}

function convert(value: unknown, data: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, false));
  if (typeof value !== 'object' || value === null) return value;
  const result: ConfigValues = {};
  for (const [key, member] of Object.entries(value)) {
    const name = data ? key : camelCase(key);
    const named = key === 'type' && !data && typeof member === 'string';
    result[name] = named ? (engineType(member) ?? member) : convert(member, DATA.has(key));
  }
  return result;
}

function convertPath(path: string): string {
  let data = false;
  return path
    .split('.')
    .map((key) => {
      const name = data ? key : camelCase(key);
      data = DATA.has(key);
      return name;
    })
    .join('.');
}

function convertLayer(layer: ConfigLayer): ConfigLayer {
  const lines = new Map([...layer.lines].map(([path, line]) => [convertPath(path), line]));
  return { ...layer, values: convertValues(layer.values), lines };
}

/** The same for a config that was just read, with what it remembers of its files. */
export function convertRead(read: ConfigRead): ConfigRead {
  return { ...read, values: convertValues(read.values), layers: read.layers.map(convertLayer) };
}
