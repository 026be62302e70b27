export { RESERVED_KEYS } from './check-root.js';
export { Config, type ConfigSource } from './config.js';
export type { DumpFormat } from './dump.js';
export type { ConfigLayer } from './layers.js';
export { loadConfig, type LoadConfigOptions } from './load-config.js';
export { mergeValues, type MergeOptions } from './merge.js';
export { parseOverride, parseOverrideValue, type ConfigOverride } from './override.js';
export { CONFIG_FORMATS, type ConfigFormat } from './read-layer.js';
export type { ConfigValues } from './values.js';
