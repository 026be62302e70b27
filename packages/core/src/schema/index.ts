export { checkConfig, checkPart, type CheckConfigOptions } from './check-config.js';
export { jsonSchema } from './emit.js';
export type { OptionSchema, PackageSchema } from './json-schema.js';
export { partSchema, type PartSchema } from './part-schema.js';
export { ConfigProblems, throwProblems } from './problems.js';
export { declaredOptions, provideSchemas, type OnBrokenSchema } from './provided.js';
export type { StandardSchema } from './standard-schema.js';
