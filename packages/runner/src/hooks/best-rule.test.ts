import { expect, it } from 'vitest';
import { ruleOf } from './best-rule.js';

it.each([
  ['accuracy/top1', 'greater'],
  ['coco/bbox_mAP', 'greater'],
  ['loss', 'less'],
  ['val_loss', 'less'],
  ['AUC', 'greater'],
  // Contains keys of both kinds: greater is asked first.
  ['acc_loss', 'greater'],
])('%s: %s is better', (metric, rule) => {
  expect(ruleOf(metric)).toBe(rule);
});

it('asks for a rule where the name says nothing', () => {
  expect(() => ruleOf('perplexity')).toThrow(/E_METRIC_RULE[\s\S]*rule: 'less'/);
});

it('follows keys of the user', () => {
  expect(ruleOf('perplexity', undefined, ['perplexity'])).toBe('less');
});
