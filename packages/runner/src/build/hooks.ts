import {
  badValue,
  checkKeys,
  HOOKS,
  isComponentConfig,
  type BuildOptions,
  type ComponentConfig,
} from '@engine/core';
import { HookBus } from '../hook-bus.js';
import type { HookMethods } from '../hook.js';
import type { Priority } from '../priority.js';
import type { RunnerOptions } from '../runner-options.js';

/** The hooks every run has, in the order in which equal priorities keep them. */
function defaultHooks({ trainCfg }: RunnerOptions): Record<string, ComponentConfig> {
  const byIter =
    trainCfg &&
    (trainCfg.byEpoch === false || (trainCfg.maxIters !== undefined && trainCfg.byEpoch !== true));
  // One checkpoint an epoch; a run without epochs saves as often as it validates.
  const interval = byIter ? (trainCfg.valInterval ?? 1000) : 1;
  return {
    runtimeInfo: { type: 'RuntimeInfoHook' },
    timer: { type: 'IterTimerHook' },
    samplerSeed: { type: 'DistSamplerSeedHook' },
    logger: { type: 'LoggerHook' },
    paramScheduler: { type: 'ParamSchedulerHook' },
    checkpoint: { type: 'CheckpointHook', interval },
  };
}

/**
 * The run's hooks: the defaults, of which `defaultHooks` replaces (whole, by key), removes (null) or adds some, then the
 * custom ones. A config's own `priority` wins over its class's.
 * @throws E_CONFIG_VALUE for a null that removes nothing, or for something that is no hook
 */
export function buildHooks(options: RunnerOptions, build: Pick<BuildOptions, 'container'>): HookBus {
  const bus = new HookBus();
  const add = (given: unknown, path: string): void => addHook(bus, given, path, build);
  const named = new Map<string, unknown>(Object.entries(defaultHooks(options)));
  checkKeys('defaultHooks', options.defaultHooks, Object.keys(options.defaultHooks ?? {}), 'defaultHooks');
  for (const [key, value] of Object.entries(options.defaultHooks ?? {})) {
    if (value === null && !named.has(key)) {
      throw badValue(`defaultHooks.${key}`, value, `null only for one of ${[...named.keys()].join(', ')}`);
    }
    named.set(key, value);
  }
  for (const [key, value] of named) if (value !== null) add(value, `defaultHooks.${key}`);
  if (options.customHooks && !Array.isArray(options.customHooks)) {
    throw badValue('customHooks', options.customHooks, 'a list of hooks or their configs');
  }
  (options.customHooks ?? []).forEach((hook, i) => add(hook, `customHooks.${i}`));
  return bus;
}

/**
 * Adds a hook, or builds it from its config first.
 * @param priority wins over the config's, which wins over the class's
 */
export function addHook(
  bus: HookBus,
  given: unknown,
  path: string,
  build: Pick<BuildOptions, 'container'>,
  priority?: Priority,
): void {
  if (isComponentConfig(given)) {
    const { priority: configured, ...config } = given;
    const hook = HOOKS.build<HookMethods>(config as never, { ...build, path, from: given });
    bus.add(hook, priority ?? (configured as Priority | undefined) ?? hook.priority);
  } else if (typeof given === 'object' && given !== null) bus.add(given as HookMethods, priority);
  else throw badValue(path, given, "a hook, or its config such as { type: 'LoggerHook', interval: 10 }");
}
