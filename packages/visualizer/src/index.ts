import { provideSchemas } from '@engine/core';

export { LocalVisBackend, type LocalVisBackendOptions } from './local-vis-backend.js';
export { encodePng } from './png.js';
export { readScalar } from './scalar-value.js';
export * from './vis-backend.js';
export * from './visualizer.js';

provideSchemas(import.meta.url);
