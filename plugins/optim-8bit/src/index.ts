import { provideSchemas } from '@engine/core';

export * from './adagrad.js';
export * from './adam.js';
export * from './ademamix.js';
export * from './block-quantiser.js';
export * from './blockwise-optimizer.js';
export * from './dynamic-map.js';
export * from './lamb.js';
export * from './lars.js';
export * from './lion.js';
export * from './rmsprop.js';
export * from './sgd.js';

provideSchemas(import.meta.url);
