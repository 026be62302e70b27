import { EVALUATOR, isComponentConfig } from '@engine/core';
import type { ComponentConfig, ConfigOf, EvaluatorTypes } from '@engine/core';
import { Evaluator, type MetricInput } from './evaluator.js';

/** The `valEvaluator` and `testEvaluator` sections of a config: metrics, or an evaluator with its metrics. */
export type EvaluatorConfig = MetricInput | readonly MetricInput[] | ConfigOf<EvaluatorTypes> | Evaluator;

/**
 * Builds the evaluator of a config: `{ type: 'Accuracy' }`, a list of such, or `{ type: 'Evaluator', metrics }`.
 * @param path of the config, for messages
 * @throws E_CONFIG_VALUE, E_CONFIG_UNKNOWN_KEY, E_REGISTRY_UNKNOWN
 */
export function buildEvaluator(config: EvaluatorConfig, path = 'evaluator'): Evaluator {
  if (config instanceof Evaluator) return config;
  if (isComponentConfig(config) && 'metrics' in config) {
    const { metrics, ...rest } = config as ComponentConfig & { metrics: unknown };
    return EVALUATOR.build<Evaluator>(rest, { args: [metrics], path });
  }
  return new Evaluator(config as MetricInput | readonly MetricInput[]);
}
