export * from './base-data-preprocessor.js';
export * from './img-data-preprocessor.js';
export * from './stack-batch.js';
