export * from './cross-entropy.js';
export * from './regression.js';
export * from './loss-modules.js';
