export * from './cross-entropy.js';
export * from './regression.js';
