import { provideSchemas } from '@engine/core';

export * from './sophia-g.js';
export * from './sophia-h.js';
export * from './sophia.js';

provideSchemas(import.meta.url);
