import { provideSchemas } from '@engine/core';

export * from './registry.js';
export * from './models/index.js';
export * from './datasets/index.js';
export * from './transforms/index.js';

provideSchemas(import.meta.url);
