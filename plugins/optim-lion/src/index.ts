import { provideSchemas } from '@engine/core';

export * from './lion.js';

provideSchemas(import.meta.url);
