import { provideSchemas } from '@engine/core';

export * from './activation-checkpointing.js';
export * from './averaged/index.js';
export * from './base-model.js';
export * from './base-tta-model.js';
export * from './conv-bn/index.js';
export * from './data-preprocessor/index.js';
export * from './init/index.js';
export * from './layers/index.js';
export * from './losses/index.js';
export * from './module.js';
export { assign, type LoadOptions, type LoadReport, type StateSource } from './state-dict.js';
export { infoOf, type VariableInfo } from './parameter.js';
export * from './torch-layout.js';

provideSchemas(import.meta.url);
