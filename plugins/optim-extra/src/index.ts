import { provideSchemas } from '@engine/core';

export * from './adabelief.js';
export * from './lamb.js';
export * from './lars.js';
export * from './muon.js';
export * from './schedule-free-adamw.js';

provideSchemas(import.meta.url);
