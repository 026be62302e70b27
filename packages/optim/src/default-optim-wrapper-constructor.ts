import { badValue, OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS, register } from '@engine/core';
import type { ComponentConfig, ConfigOf, OptimizerTypes, OptimWrapperTypes } from '@engine/core';
import type { ParamSource } from '@engine/tensor';
import type { OptimWrapper, OptimWrapperOptions } from './optim-wrapper.js';
import { Optimizer } from './optimizer.js';
import type { ParamsInput } from './param-group.js';
import { checkParamwise, paramwiseGroups, type BaseSettings, type ParamwiseConfig } from './paramwise.js';

/** A wrapper's config as a constructor gets it: the wrapper's own options and the optimizer's config. */
export type WrapperConfig = { optimizer: ConfigOf<OptimizerTypes> | Optimizer } & (
  ({ type?: 'OptimWrapper' } & OptimWrapperOptions) | ConfigOf<OptimWrapperTypes>
);

declare module '@engine/core' {
  interface OptimWrapperConstructorTypes {
    DefaultOptimWrapperConstructor: object;
  }
}

/**
 * Builds an optimizer and its wrapper for a model: one group of all parameters, or with `paramwiseCfg` one group per
 * distinct setting.
 */
@register(OPTIM_WRAPPER_CONSTRUCTORS)
export class DefaultOptimWrapperConstructor {
  protected readonly config: WrapperConfig;
  protected readonly paramwise: ParamwiseConfig | undefined;

  /**
   * @throws E_CONFIG_VALUE when there is no optimizer config, or for a factor without its base value
   */
  constructor(
    config: WrapperConfig,
    paramwise?: ParamwiseConfig | null,
    private readonly path = 'optimWrapper',
  ) {
    if (typeof config !== 'object' || config === null) throw badValue(path, config, 'an object');
    if (typeof config.optimizer !== 'object' || config.optimizer === null) {
      throw badValue(`${path}.optimizer`, config.optimizer, "an object such as { type: 'SGD', lr: 0.1 }");
    }
    this.config = config;
    if (paramwise !== undefined && paramwise !== null) {
      checkParamwise(paramwise, config.optimizer as BaseSettings);
      if (Object.keys(paramwise).length > 0) this.paramwise = paramwise;
    }
  }

  construct(model: ParamSource): OptimWrapper {
    const { optimizer, ...wrapper } = this.config;
    if (optimizer instanceof Optimizer) return this.wrap(wrapper, optimizer);
    const params = this.distribute(model);
    const built = OPTIMIZERS.build<Optimizer>(optimizer, { args: [params], path: `${this.path}.optimizer` });
    return this.wrap(wrapper, built);
  }

  /** The parameters as the optimizer gets them. */
  protected distribute(model: ParamSource): ParamsInput {
    const refs = model.paramRefs();
    const { optimizer } = this.config;
    return this.paramwise ? paramwiseGroups(refs, this.paramwise, optimizer as BaseSettings) : refs;
  }

  private wrap(wrapper: object, optimizer: Optimizer): OptimWrapper {
    return OPTIM_WRAPPERS.build<OptimWrapper>(wrapper as ComponentConfig, {
      args: [optimizer],
      defaults: { type: 'OptimWrapper' },
      path: this.path,
    });
  }
}
