import { provideSchemas } from '@engine/core';

export { WasmBackend, type WasmBackendOptions } from './wasm-backend.js';

provideSchemas(import.meta.url);
