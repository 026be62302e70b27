export * from './median-error.js';
export * from './signum.js';
