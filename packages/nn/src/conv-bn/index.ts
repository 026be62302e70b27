export * from './efficient-conv-bn-eval.js';
export * from './fuse-conv-bn.js';
