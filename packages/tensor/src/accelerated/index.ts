export * from './batch-norm.js';
export * from './clip.js';
export * from './conv2d.js';
export * from './optimizer-update.js';
export * from './relu.js';
export * from './softmax-cross-entropy.js';
