import { EngineError, isComponentConfig } from '@engine/core';
import './hooks/prepare-tta-hook.js';
import { Runner } from './runner.js';
import type { RunnerOptions } from './runner-options.js';

/**
 * The options of a run with test-time augmentation in force: the test data go through `ttaPipeline`, and a
 * `PrepareTTAHook` wraps the model in `ttaModel` during the test.
 * @throws E_RUNNER_TTA when the options lack `ttaModel`, `ttaPipeline` or a config of the test data
 */
export function withTTA(options: RunnerOptions): RunnerOptions {
  const { ttaModel, ttaPipeline, testDataloader } = options;
  const missing = Object.entries({ ttaModel, ttaPipeline, testDataloader }).filter(([, value]) => !value);
  const dataset: unknown = (testDataloader as { dataset?: unknown } | undefined)?.dataset;
  if (missing.length > 0 || !isComponentConfig(dataset)) {
    throw new EngineError({
      code: 'E_RUNNER_TTA',
      what: 'Test-time augmentation needs a model that merges, a pipeline and the config of the test data.',
      received:
        missing.length > 0 ? `no ${missing.map(([key]) => key).join(', no ')}` : 'a built test dataset',
      expected: 'ttaModel, ttaPipeline, and testDataloader.dataset as a config',
      fix: 'add ttaModel: { type: … } and ttaPipeline: [ … ] to the config',
      exitCode: 2,
    });
  }
  const hook = { type: 'PrepareTTAHook', ttaCfg: ttaModel };
  return {
    ...options,
    testDataloader: { ...(testDataloader as object), dataset: withPipeline(dataset, ttaPipeline) } as never,
    customHooks: [...(options.customHooks ?? []), hook as never],
  };
}

/** A Runner whose `test()` augments, from a config that has `ttaModel` and `ttaPipeline`; see {@link withTTA}. */
export function buildRunnerWithTTA(options: RunnerOptions): Runner {
  return Runner.fromCfg(withTTA(options));
}

/** Puts a pipeline into the innermost dataset of a config: wrappers have one below them. */
function withPipeline(config: object, pipeline: unknown): object {
  const { dataset } = config as { dataset?: unknown };
  return isComponentConfig(dataset)
    ? { ...config, dataset: withPipeline(dataset, pipeline) }
    : { ...config, pipeline };
}
