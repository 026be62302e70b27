import { provideSchemas } from '@engine/core';

export * from './accuracy.js';
export * from './auroc.js';
export * from './base-metric.js';
export * from './build-evaluator.js';
export * from './confusion-matrix.js';
export * from './dump-results.js';
export * from './evaluator.js';
export * from './gather.js';
export * from './get-metric-value.js';
export * from './iou-metric.js';
export * from './multi-label-metric.js';
export type { Average, Item } from './precision-recall.js';
export * from './regression-metric.js';
export { type Numbers, type ScoreBatch, type ScoreSample } from './score-input.js';
export * from './single-label-metric.js';

provideSchemas(import.meta.url);
