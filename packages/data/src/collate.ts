import { badValue, COLLATE_FUNCTIONS, isComponentConfig, type CollateTypes, type ComponentConfig, type ConfigOf } from '@engine/core';
import './default-collate.js';
import './pseudo-collate.js';

/** Turns the samples of a batch into the batch. Options come from the config that named the function. */
export type CollateFunction = (batch: readonly unknown[], options?: Record<string, unknown>) => unknown;

/** A collate function by registered name, as config with options, or itself. */
export type CollateConfig = (keyof CollateTypes & string) | ConfigOf<CollateTypes> | ComponentConfig | CollateFunction;

/** A collate function ready to call, and how to find it again in a worker thread. */
export interface ResolvedCollate {
  run: (batch: readonly unknown[]) => unknown;
  /** Registered name and options; undefined for a function that has no name. */
  portable: { name: string; options: Record<string, unknown> } | undefined;
}

function registeredName(fn: unknown): string | undefined {
  const row = COLLATE_FUNCTIONS.list().find(({ entry }) => entry === fn);
  return row && (row.scope === COLLATE_FUNCTIONS.scope ? row.name : `${row.scope}.${row.name}`);
}

/**
 * Finds a collate function and binds its options.
 * @throws E_REGISTRY_UNKNOWN for an unknown name, E_CONFIG_VALUE for what is no collate function
 */
export function resolveCollate(given: CollateConfig, path = 'collateFn'): ResolvedCollate {
  const config: unknown = typeof given === 'string' || typeof given === 'function' ? { type: given } : given;
  if (!isComponentConfig(config)) {
    throw badValue(path, given, "a registered name such as 'defaultCollate', a config with that `type`, or a function");
  }
  const { type, _scope_: scope, ...options } = config;
  const registry = COLLATE_FUNCTIONS.atScope(scope);
  const fn = (typeof type === 'string' ? registry.require(type, path) : type) as CollateFunction;
  const name = registeredName(fn);
  const bare = Object.keys(options).length === 0;
  return {
    run: bare ? fn : (batch) => fn(batch, options),
    portable: name === undefined ? undefined : { name, options },
  };
}
