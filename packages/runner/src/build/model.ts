import { isComponentConfig, MODELS, type DependencyContainer } from '@engine/core';
import { turnOnActivationCheckpointing, turnOnEfficientConvBnEval, type BaseModel } from '@engine/nn';
import type { RunnerOptions } from '../runner-options.js';

/** The model of a run: the one given, or built from its config with the run's data preprocessor where it has none. */
export function modelOf(options: RunnerOptions, container: DependencyContainer): BaseModel {
  const model = givenOrBuilt(options, container);
  const { efficientConvBnEval: names } = options;
  if (names) turnOnEfficientConvBnEval(model, names);
  return model;
}

function givenOrBuilt({ model, dataPreprocessor }: RunnerOptions, container: DependencyContainer): BaseModel {
  if (!isComponentConfig(model) && !Array.isArray(model)) return model as BaseModel;
  const config = dataPreprocessor && !('dataPreprocessor' in model) ? { ...model, dataPreprocessor } : model;
  return MODELS.build<BaseModel>(config as never, { container, path: 'model' });
}

/** What is done to a model that is to be trained. */
export function prepareForTraining(model: BaseModel, { activationCheckpointing }: RunnerOptions): void {
  if (activationCheckpointing) turnOnActivationCheckpointing(model, activationCheckpointing);
}
