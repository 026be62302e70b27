import { provideSchemas } from '@engine/core';

export * from './d-adaptation.js';
export * from './dadapt-adagrad.js';
export * from './dadapt-adam.js';
export * from './dadapt-adan.js';
export * from './dadapt-lion.js';
export * from './dadapt-sgd.js';

provideSchemas(import.meta.url);
