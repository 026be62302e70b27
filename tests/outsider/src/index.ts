export * from './csv-vis-backend.js';
export * from './draw-stripes.js';
export * from './error-rate.js';
export * from './registry.js';
export * from './signum.js';
export * from './stripe-classifier.js';
export * from './stripes.js';
