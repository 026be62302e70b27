export * from './binary-cross-entropy.js';
export * from './cross-entropy.js';
export * from './kl-div.js';
export * from './loss-modules.js';
export * from './nll-loss.js';
export * from './regression.js';
