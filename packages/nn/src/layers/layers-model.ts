import { MODELS, badValue, checkKeys, register } from '@engine/core';
import { isTensor, type ModuleKind, type Tensor, type Variable } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';
import { describeVariable } from '../parameter.js';

/** A weight of a tfjs layer, as far as it concerns us. */
interface LayerWeight {
  name: string;
  trainable: boolean;
  /** The variable behind it; protected in tfjs's types. */
  val?: Variable;
}

/** What a tfjs `LayersModel` and a single tfjs layer have in common. */
export interface LayerLike {
  apply(inputs: unknown, options?: Record<string, unknown>): unknown;
  getClassName(): string;
  readonly weights: readonly unknown[];
  readonly trainableWeights: readonly unknown[];
  /** Of a model only. */
  readonly layers?: readonly LayerLike[];
}

export interface LayersModelModuleOptions extends ModuleOptions {
  /** A built `tf.LayersModel`, `tf.Sequential` or `tf.layers` layer (one that has its weights). */
  model: LayerLike;
}

declare module '@engine/core' {
  interface ModelTypes {
    LayersModelModule: LayersModelModuleOptions;
  }
}

const KINDS: Readonly<Record<string, ModuleKind>> = {
  BatchNormalization: 'norm',
  LayerNormalization: 'norm',
  Conv1D: 'conv',
  Conv2D: 'conv',
  Conv2DTranspose: 'conv',
  Conv3D: 'conv',
  SeparableConv2D: 'conv',
  DepthwiseConv2D: 'depthwiseConv',
  Dense: 'linear',
  Embedding: 'embedding',
};

/** The weights of one tfjs layer. tfjs numbers its names per process (`dense_Dense7/kernel`); here they are `kernel`. */
class LayerWeights extends Module {
  private readonly type: string;
  private readonly variables: [string, Variable][] = [];

  constructor(layer: LayerLike) {
    super();
    this.type = layer.getClassName();
    const trainable = new Set(layer.trainableWeights);
    for (const weight of layer.weights as readonly LayerWeight[]) {
      if (!weight.val)
        throw badValue('LayersModelModule.model', weight.name, 'a model whose weights are tfjs variables');
      let name = weight.name.slice(weight.name.lastIndexOf('/') + 1).replace(/_\d+$/, '');
      for (let n = 2; this.variables.some(([taken]) => taken === name); n++)
        name = `${name.replace(/_\d+$/, '')}_${n}`;
      describeVariable(weight.val, { role: trainable.has(weight) ? 'parameter' : 'buffer', layout: 'none' });
      this.variables.push([name, weight.val]);
    }
  }

  override get kind(): ModuleKind {
    return KINDS[this.type] ?? 'other';
  }

  override ownVariables(): [string, Variable][] {
    return [...this.variables];
  }

  forward(): never {
    throw badValue('LayerWeights.forward', undefined, 'no call: the model runs its layers itself');
  }
}

/**
 * A tfjs `LayersModel` (or a single tfjs layer) as a module: its weights are parameters and buffers called
 * `layers.0.kernel`, `layers.0.bias`, …, by the place of the layer in the model, in Keras's layouts. It trains unchanged. Initial values are those that tfjs gave; `initWeights` leaves them alone.
 */
@register(MODELS)
export class LayersModelModule extends Module {
  readonly layers: readonly Module[];
  /** Not enumerable, so that the search for children does not look into tfjs's own objects. */
  declare readonly model: LayerLike;

  constructor(options: LayersModelModuleOptions) {
    checkKeys('LayersModelModule', options, ['model', 'initCfg']);
    super(options);
    const { model } = options;
    if (typeof model?.apply !== 'function' || !Array.isArray(model.weights)) {
      throw badValue('LayersModelModule.model', model, 'a tf.LayersModel or a tf.layers layer');
    }
    if (model.weights.length === 0 && !model.layers) {
      throw badValue(
        'LayersModelModule.model',
        model.getClassName(),
        'a layer that has been built',
        'call layer.build(inputShape) first',
      );
    }
    Object.defineProperty(this, 'model', { value: model });
    this.layers = flatLayers(model).map((layer) => new LayerWeights(layer));
  }

  override namedChildren(): [string, Module][] {
    const named = this.layers.map((layer, i): [string, Module] => [`layers.${i}`, layer]);
    return named.filter(([, layer]) => layer.ownVariables().length > 0);
  }

  /** Calls the model; several inputs go in, and several outputs come out, as a list. */
  forward(x: Tensor | Tensor[]): Tensor {
    const y = this.model.apply(x, { training: this.training });
    const first: unknown = Array.isArray(y) && y.length === 1 ? y[0] : y;
    if (!isTensor(first))
      throw badValue('LayersModelModule.forward', 'several outputs', 'a model with one output');
    return first;
  }
}

/** Layers of a model in order, those of models inside it in their place. */
function flatLayers(model: LayerLike): LayerLike[] {
  return model.layers ? model.layers.flatMap(flatLayers) : [model];
}
