import { badValue, DATASETS, isComponentConfig, withScope } from '@engine/core';
import { prepareData } from '@engine/data';
import { Evaluator, buildEvaluator } from '@engine/evaluator';
import { load } from '@engine/fileio';
import type { Metrics } from './events.js';
import { importPlugins } from './plugins.js';
import type { RunnerOptions } from './runner-options.js';

/**
 * Metrics of `testEvaluator` from predictions that `DumpResults` wrote. The test dataset is built for what it says of
 * itself, such as its classes; it is not read.
 * @param file .json, a list with one prediction per sample
 * @throws E_CONFIG_VALUE without a testEvaluator, or for a file of another kind
 */
export async function evaluateOffline(options: RunnerOptions, file: string): Promise<Metrics> {
  const { testEvaluator, testDataloader, defaultScope } = options;
  if (!testEvaluator) throw badValue('testEvaluator', testEvaluator, 'the metrics to compute');
  await importPlugins(options);
  const predictions: unknown = await load(file);
  if (!Array.isArray(predictions)) throw badValue('predictions', predictions, 'a list, one per sample');
  await prepareData(testDataloader);
  return withScope(defaultScope, () => {
    const evaluator =
      testEvaluator instanceof Evaluator
        ? testEvaluator
        : buildEvaluator(testEvaluator as Parameters<typeof buildEvaluator>[0], 'testEvaluator');
    const given: unknown = (testDataloader as { dataset?: unknown } | undefined)?.dataset;
    const dataset: unknown = isComponentConfig(given)
      ? DATASETS.build(given as never, { path: 'testDataloader.dataset' })
      : given;
    (dataset as { fullInit?: () => void } | undefined)?.fullInit?.();
    const metainfo = (dataset as { metainfo?: Record<string, unknown> } | undefined)?.metainfo;
    if (metainfo) evaluator.datasetMeta = metainfo;
    return evaluator.offlineEvaluate(predictions);
  });
}
