import {
  badValue,
  EngineError,
  listNames,
  nearest,
  OPTIM_WRAPPER_CONSTRUCTORS,
  register,
} from '@engine/core';
import type { ParamSource } from '@engine/tensor';
import { buildOptimWrapper, type OptimWrapperConfig } from './build-optim-wrapper.js';
import { OptimWrapperDict } from './optim-wrapper-dict.js';
import { OptimWrapper } from './optim-wrapper.js';
import type { ParamwiseConfig } from './paramwise.js';

declare module '@engine/core' {
  interface OptimWrapperConstructorTypes {
    MultiOptimWrapperConstructor: object;
  }
}

/**
 * Builds one wrapper for each part of a model: `{ generator: { optimizer: … }, discriminator: { optimizer: … } }`. A
 * name is that of a submodule, with dots for those further down; its wrapper gets the parameters below it, under their
 * full names. A value may also be an {@link OptimWrapper} that exists already, whatever its name.
 */
@register(OPTIM_WRAPPER_CONSTRUCTORS)
export class MultiOptimWrapperConstructor {
  private readonly parts: [string, OptimWrapperConfig | OptimWrapper][];

  /**
   * @param config a wrapper's config for each submodule
   * @param paramwise for parts that have no `paramwiseCfg` of their own
   * @throws E_CONFIG_VALUE when a part is no object
   */
  constructor(
    config: Record<string, OptimWrapperConfig | OptimWrapper>,
    private readonly paramwise?: ParamwiseConfig | null,
    private readonly path = 'optimWrapper',
  ) {
    this.parts = Object.entries(config);
    if (this.parts.length === 0) throw badValue(path, config, 'an optimizer, or a config for each submodule');
    for (const [name, part] of this.parts) {
      if (typeof part === 'object' && part !== null && !Array.isArray(part)) continue;
      throw badValue(
        `${path}.${name}`,
        part,
        `the config of a wrapper for the submodule '${name}', such as { optimizer: { type: 'Adam' } }`,
        `without 'optimizer' in ${path}, each key of it names a submodule`,
      );
    }
  }

  /**
   * @throws E_OPTIM_WRAPPER_MODULE when no parameter is below a name, and what the parts' constructors throw
   */
  construct(model: ParamSource): OptimWrapperDict {
    const refs = model.paramRefs();
    const wrappers = this.parts.map(([name, part]) => {
      if (part instanceof OptimWrapper) return [name, part] as const;
      const own = refs.filter((param) => param.name.startsWith(`${name}.`));
      if (own.length === 0) throw noModule(name, refs, this.path);
      const config = this.paramwise && !part.paramwiseCfg ? { ...part, paramwiseCfg: this.paramwise } : part;
      const below = { paramRefs: () => own };
      return [name, buildOptimWrapper<OptimWrapper>(below, config, `${this.path}.${name}`)] as const;
    });
    return new OptimWrapperDict(Object.fromEntries(wrappers));
  }
}

function noModule(name: string, refs: readonly { name: string }[], path: string): EngineError {
  const parts = new Set(refs.map((param) => param.name.split('.')[0]!));
  return new EngineError({
    code: 'E_OPTIM_WRAPPER_MODULE',
    what: `No parameter of the model is below '${name}'.`,
    received: `${path}.${name}`,
    expected: `the name of a submodule: ${listNames(parts)}`,
    didYouMean: nearest(name, parts),
    fix: `name the submodule that the optimizer is for, or give ${path} an 'optimizer' for the whole model`,
  });
}
