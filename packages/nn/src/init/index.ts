export * from './functions.js';
export * from './init-module.js';
export * from './initializers.js';
export { fetchPretrained } from './fetch-pretrained.js';
export * from './pretrained.js';
