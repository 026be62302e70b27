import { badValue, OPTIM_WRAPPER_CONSTRUCTORS } from '@engine/core';
import type { ComponentConfig } from '@engine/core';
import type { ParamSource } from '@engine/tensor';
import type { WrapperConfig } from './default-optim-wrapper-constructor.js';
import type { LayerDecayConfig } from './layer-decay-optim-wrapper-constructor.js';
import { OptimWrapperDict } from './optim-wrapper-dict.js';
import { OptimWrapper } from './optim-wrapper.js';
import type { ParamwiseConfig } from './paramwise.js';

/** The `optimWrapper` section of a config. */
export type OptimWrapperConfig = WrapperConfig & {
  /** Name in OPTIM_WRAPPER_CONSTRUCTORS, or a class; `DefaultOptimWrapperConstructor`. */
  constructor?: ComponentConfig['type'] | CallableFunction;
  /** Settings that differ by parameter. */
  paramwiseCfg?: ParamwiseConfig | LayerDecayConfig | null;
};

/** Wrappers for several parts of a model, by the names of the submodules. */
export type MultiOptimWrapperConfig = Record<string, OptimWrapperConfig | OptimWrapper> & {
  optimizer?: never;
  type?: never;
};

interface WrapperConstructor {
  construct(model: ParamSource): unknown;
}

/** The wrapper of a run: one, or several by name. */
export type AnyOptimWrapper = OptimWrapper | OptimWrapperDict;

type Build = {
  (model: ParamSource, config: OptimWrapperConfig, path?: string): OptimWrapper;
  <W extends AnyOptimWrapper>(
    model: ParamSource,
    config: OptimWrapperConfig | MultiOptimWrapperConfig,
    path?: string,
  ): W;
};

/**
 * Builds the optimizer wrapper of a model from its config. One without `optimizer`, `type` and `constructor` has a
 * config for each of several submodules.
 * @param path where the config stands, for messages; `optimWrapper`
 * @returns what the constructor makes: an {@link OptimWrapper}, or an {@link OptimWrapperDict}
 * @throws E_CONFIG_VALUE, E_CONFIG_UNKNOWN_KEY, E_REGISTRY_UNKNOWN
 */
export const buildOptimWrapper: Build = (model: ParamSource, config: object, path = 'optimWrapper') => {
  if (typeof config !== 'object' || config === null) throw badValue(path, config, 'an object');
  const { paramwiseCfg, ...wrapper } = config as OptimWrapperConfig;
  const single = 'optimizer' in config || 'type' in config || Object.keys(wrapper).length === 0;
  let type: unknown = single ? 'DefaultOptimWrapperConstructor' : 'MultiOptimWrapperConstructor';
  // Every object inherits a property of this name; only one of its own counts.
  if (Object.hasOwn(config, 'constructor')) {
    type = config.constructor;
    delete (wrapper as { constructor?: unknown }).constructor;
  }
  const entry =
    typeof type === 'string'
      ? OPTIM_WRAPPER_CONSTRUCTORS.require(type, `${path}.constructor`)
      : (type as CallableFunction);
  const constructor = Reflect.construct(entry, [wrapper, paramwiseCfg, path]) as WrapperConstructor;
  const built = constructor.construct(model);
  if (!(built instanceof OptimWrapper) && !(built instanceof OptimWrapperDict)) {
    throw badValue(`${path}.constructor`, type, 'a class whose construct() returns an OptimWrapper');
  }
  return built as OptimWrapper;
};
