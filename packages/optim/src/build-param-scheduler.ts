import { badValue, isComponentConfig, PARAM_SCHEDULERS } from '@engine/core';
import type { ComponentConfig, ConfigOf, ParamSchedulerTypes } from '@engine/core';
import { requirePositiveInt } from './checks.js';
import { OptimWrapperDict } from './optim-wrapper-dict.js';
import { ParamScheduler, type SchedulerTarget } from './schedulers/param-scheduler.js';

/** A scheduler's config, or a scheduler that is built already. */
export type ParamSchedulerConfig = ConfigOf<ParamSchedulerTypes> | ParamScheduler;

/** One scheduler or several. */
export type ParamSchedulersConfig = ParamSchedulerConfig | readonly ParamSchedulerConfig[];

/** What the run knows about its length. */
export interface ScheduleContext {
  /** Iterations of an epoch; needed by `convertToIterBased`. */
  epochLength?: number | undefined;
  /** Default `end` of schedulers by epoch. */
  maxEpochs?: number | undefined;
  /** Default `end` of schedulers by iteration. */
  maxIters?: number | undefined;
}

/**
 * Builds schedulers, which set the first value at once. `end` is the length of the run unless given, and
 * `convertToIterBased` turns counts of epochs into counts of iterations.
 * @returns the schedulers in the order of the config; by wrapper name for an {@link OptimWrapperDict}
 * @throws E_CONFIG_VALUE, E_CONFIG_UNKNOWN_KEY, E_REGISTRY_UNKNOWN
 */
export function buildParamScheduler(
  target: OptimWrapperDict,
  config: ParamSchedulersConfig | Record<string, ParamSchedulersConfig>,
  context?: ScheduleContext,
): Record<string, ParamScheduler[]>;
export function buildParamScheduler(
  target: SchedulerTarget,
  config: ParamSchedulersConfig,
  context?: ScheduleContext,
): ParamScheduler[];
export function buildParamScheduler(
  target: SchedulerTarget | OptimWrapperDict,
  config: ParamSchedulersConfig | Record<string, ParamSchedulersConfig>,
  context: ScheduleContext = {},
): ParamScheduler[] | Record<string, ParamScheduler[]> {
  if (!(target instanceof OptimWrapperDict))
    return buildList(target, config as ParamSchedulersConfig, context, 'paramScheduler');
  const named = !Array.isArray(config) && !isComponentConfig(config) && !(config instanceof ParamScheduler);
  if (!named) {
    return Object.fromEntries(
      target
        .entries()
        .map(([name, wrapper]) => [
          name,
          buildList(wrapper, config as ParamSchedulersConfig, context, 'paramScheduler'),
        ]),
    );
  }
  return Object.fromEntries(
    Object.entries(config as Record<string, ParamSchedulersConfig>).map(([name, own]) => [
      name,
      buildList(target.get(name), own, context, `paramScheduler.${name}`),
    ]),
  );
}

function buildList(
  target: SchedulerTarget,
  config: ParamSchedulersConfig,
  context: ScheduleContext,
  path: string,
): ParamScheduler[] {
  const list = Array.isArray(config)
    ? (config as readonly ParamSchedulerConfig[])
    : [config as ParamSchedulerConfig];
  return list.map((item, i) => {
    if (item instanceof ParamScheduler) return item;
    const at = Array.isArray(config) ? `${path}.${i}` : path;
    if (!isComponentConfig(item))
      throw badValue(at, item, "a scheduler such as { type: 'MultiStepLR', milestones: [8] }");
    return PARAM_SCHEDULERS.build<ParamScheduler>(complete(item, target, context, at), {
      args: [target],
      path: at,
      from: item,
    });
  });
}

function complete(
  config: ComponentConfig,
  target: SchedulerTarget,
  context: ScheduleContext,
  path: string,
): ComponentConfig {
  const { convertToIterBased = false, ...options } = config;
  const byEpoch = options.byEpoch ?? true;
  const itersPerStep = options.step === 'optimizerStep' ? (target.accumulativeCounts ?? 1) : 1;
  if (options.end === undefined) {
    const maxIters = context.maxIters === undefined ? undefined : Math.ceil(context.maxIters / itersPerStep);
    const end = (byEpoch ? context.maxEpochs : maxIters) ?? Infinity;
    // A run too short to reach a scheduler, as when trying things out, is no mistake: the scheduler never acts.
    options.end = typeof options.begin === 'number' && options.begin >= end ? Infinity : end;
  }
  if (!convertToIterBased) return options as ComponentConfig;
  if (!byEpoch) throw badValue(`${path}.convertToIterBased`, true, 'byEpoch to be true beside it');
  requirePositiveInt(`${path}.convertToIterBased: the length of an epoch`, context.epochLength);
  return inIterations(options as ComponentConfig, context.epochLength! / itersPerStep, path);
}

/** Counts of what has been completed round down; lengths round up, so that the last, shorter window is in them. */
const POINTS = ['begin', 'milestones'];

/**
 * @param stepsPerEpoch whole, but where several iterations make one update
 */
function inIterations(config: ComponentConfig, stepsPerEpoch: number, path: string): ComponentConfig {
  const entry = typeof config.type === 'string' ? PARAM_SCHEDULERS.require(config.type, path) : config.type;
  const own = (entry as Partial<typeof ParamScheduler>).epochOptions;
  if (!own) {
    throw badValue(`${path}.convertToIterBased`, true, 'a scheduler class that lists its epochOptions');
  }
  const converted: ComponentConfig = { ...config, byEpoch: false };
  for (const key of ['begin', 'end', ...own]) {
    const inSteps = (epochs: number): number => {
      const steps = epochs * stepsPerEpoch;
      if (Number.isInteger(stepsPerEpoch)) {
        // Half an epoch of seven iterations may be meant: the interval then has the iterations before it.
        return key === 'begin' || key === 'end' ? Math.floor(steps + 1e-9) : steps;
      }
      return POINTS.includes(key) ? Math.floor(steps + 1e-9) : Math.ceil(steps - 1e-9);
    };
    const value = config[key];
    if (typeof value === 'number') converted[key] = inSteps(value);
    else if (Array.isArray(value)) converted[key] = value.map(inSteps);
  }
  return converted;
}
