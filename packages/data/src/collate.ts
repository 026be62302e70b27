import {
  badValue,
  COLLATE_FUNCTIONS,
  isComponentConfig,
  type CollateTypes,
  type ComponentConfig,
  type ConfigOf,
} from '@engine/core';
import './default-collate.js';
import './pseudo-collate.js';

/** Turns the samples of a batch into the batch. Options come from the config that named the function. */
export type CollateFunction = (batch: readonly unknown[], options?: Record<string, unknown>) => unknown;

/** A collate function by registered name, as config with options, or itself. */
export type CollateConfig =
  (keyof CollateTypes & string) | ConfigOf<CollateTypes> | ComponentConfig | CollateFunction;

/** A collate function ready to call, and how to find it again in a worker thread. */
export interface ResolvedCollate {
  run: (batch: readonly unknown[]) => unknown;
  /** Registered name and options; undefined for a function that has no name. */
  portable: PortableCollate | undefined;
}

export interface PortableCollate {
  name: string;
  options: Record<string, unknown>;
  /** False for a function that a module of the user's, or a plugin, registers. */
  builtIn: boolean;
}

function portableForm(fn: unknown, options: Record<string, unknown>): PortableCollate | undefined {
  const row = COLLATE_FUNCTIONS.list().find(({ entry }) => entry === fn);
  return row && { name: `${row.scope}.${row.name}`, options, builtIn: row.from === '@engine/data' };
}

/**
 * Finds a collate function and binds its options.
 * @throws E_REGISTRY_UNKNOWN for an unknown name, E_CONFIG_VALUE for what is no collate function
 */
export function resolveCollate(given: CollateConfig, path = 'collateFn'): ResolvedCollate {
  const config: unknown = typeof given === 'string' || typeof given === 'function' ? { type: given } : given;
  if (!isComponentConfig(config)) {
    throw badValue(
      path,
      given,
      "a registered name such as 'defaultCollate', a config with that `type`, or a function",
    );
  }
  const { type, _scope_: scope, ...options } = config;
  const registry = COLLATE_FUNCTIONS.atScope(scope);
  const fn = (typeof type === 'string' ? registry.require(type, path) : type) as CollateFunction;
  return {
    run: Object.keys(options).length === 0 ? fn : (batch) => fn(batch, options),
    portable: portableForm(fn, options),
  };
}
