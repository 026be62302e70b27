export * from './classifier.js';
export * from './spirals.js';
