export { attention, selfAttention, type AttentionOptions } from './functions/attention.js';
export { linear } from './functions/linear.js';
export { fallbackCounts, fallbackKernels, resetFallbackCounts } from './kernels/index.js';
export { TorchBackend, type TorchBackendOptions } from './torch-backend.js';
