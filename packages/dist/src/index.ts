import { provideSchemas } from '@engine/core';

export * from './collect-results.js';
export * from './gathering-group.js';
export * from './launch.js';
export * from './local-group.js';
export * from './process-group.js';
export * from './rank.js';
export * from './reduce.js';
export * from './single-process-group.js';
export * from './sync-random-seed.js';

provideSchemas(import.meta.url);
