import { EngineError, listNames, nearest } from '@engine/core';
import type { Metrics } from './base-metric.js';

/**
 * The value that a name asks for: the full name (`accuracy/top1`), or its last part where only one value has it.
 * @throws E_METRIC_NAME when none or several have it
 */
export function getMetricValue(indicator: string, metrics: Metrics): unknown {
  if (Object.hasOwn(metrics, indicator)) return metrics[indicator];
  const names = Object.keys(metrics);
  const found = names.filter((name) => name.slice(name.lastIndexOf('/') + 1) === indicator);
  if (found.length === 1) return metrics[found[0]!];
  throw new EngineError({
    code: 'E_METRIC_NAME',
    what:
      found.length === 0
        ? `There is no metric called '${indicator}'.`
        : `'${indicator}' names several metrics.`,
    received: `'${indicator}'`,
    expected: `one of ${listNames(found.length === 0 ? names : found)}`,
    didYouMean: found.length === 0 ? nearest(indicator, names) : undefined,
    fix: 'write the full name, with its prefix',
  });
}
