import 'reflect-metadata';

export * from './build.js';
export * from './check-keys.js';
export * from './di.js';
export * from './errors.js';
export * from './exit-codes.js';
export * from './host-array.js';
export * from './random.js';
export * from './register.js';
export * from './registries.js';
export * from './registry.js';
export * from './scope.js';
export * from './suggest.js';
export * from './types.js';
