import { provideSchemas } from '@engine/core';

export { storageDtype } from './autocast.js';
export { fallbackCounts, fallbackKernels, resetFallbackCounts } from './kernels/index.js';
export { TorchBackend, type TorchBackendOptions } from './torch-backend.js';

provideSchemas(import.meta.url);
