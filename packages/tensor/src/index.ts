import { provideSchemas } from '@engine/core';

export * from './accelerated.js';
export * from './accelerated/index.js';
export * from './autocast.js';
export * from './compute-backend.js';
export * from './convert.js';
export * from './cpu-backend.js';
export * from './device.js';
export * from './differentiate.js';
export * from './kernel-coverage.js';
export * from './kernel-calls.js';
export * from './no-grad.js';
export * from './random.js';
export * from './read-into.js';
export * from './scope.js';
export * from './tf.js';
export * from './training.js';
export * from './tree.js';

provideSchemas(import.meta.url);
