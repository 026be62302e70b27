import { badValue, OPTIM_WRAPPER_CONSTRUCTORS } from '@engine/core';
import type { ComponentConfig } from '@engine/core';
import type { ParamSource } from '@engine/tensor';
import type { WrapperConfig } from './default-optim-wrapper-constructor.js';
import { OptimWrapperDict } from './optim-wrapper-dict.js';
import { OptimWrapper } from './optim-wrapper.js';
import type { ParamwiseConfig } from './paramwise.js';

/** The `optimWrapper` section of a config. */
export type OptimWrapperConfig = WrapperConfig & {
  /** Name in OPTIM_WRAPPER_CONSTRUCTORS, or a class; `DefaultOptimWrapperConstructor`. */
  constructor?: ComponentConfig['type'] | CallableFunction;
  /** Settings that differ by parameter. */
  paramwiseCfg?: ParamwiseConfig | null;
};

interface WrapperConstructor {
  construct(model: ParamSource): unknown;
}

type Build = {
  (model: ParamSource, config: OptimWrapperConfig): OptimWrapper;
  <W extends OptimWrapper | OptimWrapperDict>(model: ParamSource, config: OptimWrapperConfig): W;
};

/**
 * Builds the optimizer wrapper of a model from its config.
 * @returns what the constructor makes: an {@link OptimWrapper}, or an {@link OptimWrapperDict} from a custom one
 * @throws E_CONFIG_VALUE, E_CONFIG_UNKNOWN_KEY, E_REGISTRY_UNKNOWN
 */
export const buildOptimWrapper: Build = (model: ParamSource, config: OptimWrapperConfig) => {
  if (typeof config !== 'object' || config === null) throw badValue('optimWrapper', config, 'an object');
  const { paramwiseCfg, ...wrapper } = config as OptimWrapperConfig;
  let type: unknown = 'DefaultOptimWrapperConstructor';
  // Every object inherits a property of this name; only one of its own counts.
  if (Object.hasOwn(config, 'constructor')) {
    type = config.constructor;
    delete (wrapper as { constructor?: unknown }).constructor;
  }
  const entry =
    typeof type === 'string'
      ? OPTIM_WRAPPER_CONSTRUCTORS.require(type, 'optimWrapper.constructor')
      : (type as CallableFunction);
  const constructor = Reflect.construct(entry, [wrapper, paramwiseCfg]) as WrapperConstructor;
  const built = constructor.construct(model);
  if (!(built instanceof OptimWrapper) && !(built instanceof OptimWrapperDict)) {
    throw badValue('optimWrapper.constructor', type, 'a class whose construct() returns an OptimWrapper');
  }
  return built as OptimWrapper;
};
