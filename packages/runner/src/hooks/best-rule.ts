import { EngineError } from '@engine/core';

/** Whether a greater or a smaller value of a metric is better. */
export type BestRule = 'greater' | 'less';

const GREATER = ['acc', 'top', 'AR@', 'auc', 'precision', 'mAP', 'mDice', 'mIoU', 'mAcc', 'aAcc'];
const LESS = ['loss'];

/**
 * The rule for a metric by its name, without regard to case: an exact match among the keys first, greater before less,
 * then a key that the name contains.
 * @throws E_METRIC_RULE when the name says nothing
 */
export function ruleOf(
  metric: string,
  greaterKeys: readonly string[] = GREATER,
  lessKeys: readonly string[] = LESS,
): BestRule {
  const name = metric.toLowerCase();
  const greater = greaterKeys.map((key) => key.toLowerCase());
  const less = lessKeys.map((key) => key.toLowerCase());
  if (greater.includes(name)) return 'greater';
  if (less.includes(name)) return 'less';
  if (greater.some((key) => name.includes(key))) return 'greater';
  if (less.some((key) => name.includes(key))) return 'less';
  throw new EngineError({
    code: 'E_METRIC_RULE',
    what: `Nothing tells whether a greater or a smaller '${metric}' is better.`,
    received: `'${metric}'`,
    expected: `a name that contains one of ${[...greaterKeys, ...lessKeys].join(', ')}`,
    fix: "say it: rule: 'greater' or rule: 'less'",
    exitCode: 2,
  });
}
