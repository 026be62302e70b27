import { badValue, EngineError, listNames, OPTIM_WRAPPER_CONSTRUCTORS, register } from '@engine/core';
import type { ParamSource } from '@engine/tensor';
import { DefaultOptimWrapperConstructor, type WrapperConfig } from './default-optim-wrapper-constructor.js';
import type { ParamsInput } from './param-group.js';
import { paramwiseGroups, type BaseSettings, type ParamwiseConfig } from './paramwise.js';

/** What {@link LearningRateDecayOptimWrapperConstructor} takes as `paramwiseCfg`. */
export interface LayerDecayConfig extends ParamwiseConfig {
  /** Factor from each layer to the one before it, above 0 and at most 1. */
  layerDecayRate: number;
  /**
   * Layers from the input to the output: beginnings of parameter names up to a dot, or lists of those that make one
   * layer. Parameters of no layer, such as a head, come after the last. Needed when the model does not tell.
   */
  layers?: readonly (string | readonly string[])[];
}

/**
 * A model that knows its layers, or whose `backbone` does: `getLayerDepth(name, prefix)` gives the depth of a parameter,
 * from 0, and the number of depths. `prefix` is what comes before the names that the module itself has.
 */
interface KnowsDepth {
  getLayerDepth(name: string, prefix: string): readonly [depth: number, count: number];
}

declare module '@engine/core' {
  interface OptimWrapperConstructorTypes {
    LearningRateDecayOptimWrapperConstructor: object;
  }
}

/**
 * The default constructor with learning rates that fall from layer to layer towards the input: with n depths, a
 * parameter of depth d learns at `layerDecayRate ** (n - 1 - d)` times the rate that it would have otherwise, by
 * `customKeys` and the other rules. For fine-tuning large networks.
 * @throws E_CONFIG_VALUE without `layerDecayRate` or without `optimizer.lr`, E_OPTIM_LAYERS when the layers are unknown
 * @see Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", arXiv:1801.06146, section 3.2;
 *   Clark et al., "ELECTRA", arXiv:2003.10555
 */
@register(OPTIM_WRAPPER_CONSTRUCTORS)
export class LearningRateDecayOptimWrapperConstructor extends DefaultOptimWrapperConstructor {
  private readonly rate: number;
  private readonly layers: readonly (readonly string[])[] | undefined;

  constructor(config: WrapperConfig, paramwise: LayerDecayConfig, path?: string) {
    const { layerDecayRate: rate, layers, ...others } = paramwise ?? {};
    super(config, others, path);
    if (!(rate > 0 && rate <= 1))
      throw badValue('paramwiseCfg.layerDecayRate', rate, 'a number above 0 and at most 1');
    if ((config.optimizer as BaseSettings).lr === undefined)
      throw badValue('optimizer.lr', undefined, 'a number, which layerDecayRate multiplies');
    this.rate = rate;
    this.layers = layers?.map((layer) => (typeof layer === 'string' ? [layer] : layer));
  }

  protected override distribute(model: ParamSource): ParamsInput {
    const depthOf = this.layers ? byList(this.layers, model) : byModel(model);
    return paramwiseGroups(
      model.paramRefs(),
      this.paramwise ?? {},
      this.config.optimizer as BaseSettings,
      ({ name }) => {
        const [depth, count] = depthOf(name);
        return this.rate ** (count - 1 - depth);
      },
    );
  }
}

type DepthOf = (name: string) => readonly [depth: number, count: number];

function byList(layers: readonly (readonly string[])[], model: ParamSource): DepthOf {
  const isBelow = (name: string, part: string): boolean => name === part || name.startsWith(`${part}.`);
  const names = model.paramRefs().map(({ name }) => name);
  for (const part of layers.flat()) {
    if (names.some((name) => isBelow(name, part))) continue;
    throw badValue('paramwiseCfg.layers', part, `the beginning of parameter names: ${listNames(names)}`);
  }
  return (name) => {
    const found = layers.findIndex((parts) => parts.some((part) => isBelow(name, part)));
    return [found < 0 ? layers.length : found, layers.length + 1];
  };
}

function byModel(model: ParamSource): DepthOf {
  const knows = (value: unknown): value is KnowsDepth =>
    typeof (value as KnowsDepth | undefined)?.getLayerDepth === 'function';
  const { backbone } = model as { backbone?: unknown };
  if (knows(model)) return (name) => model.getLayerDepth(name, '');
  if (knows(backbone)) return (name) => backbone.getLayerDepth(name, 'backbone.');
  throw new EngineError({
    code: 'E_OPTIM_LAYERS',
    what: 'Learning rates are to fall from layer to layer, but the layers of the model are not known.',
    expected: 'paramwiseCfg.layers, or a method getLayerDepth of the model or of its backbone',
    fix: "list them from the input to the output: layers: ['backbone.stem', 'backbone.layer1', …]",
  });
}
