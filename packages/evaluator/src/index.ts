export * from './accuracy.js';
export * from './base-metric.js';
export * from './build-evaluator.js';
export * from './dump-results.js';
export * from './evaluator.js';
export * from './gather.js';
export * from './get-metric-value.js';
