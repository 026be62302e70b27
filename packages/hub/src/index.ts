export * from './hub.js';
export type { ModelEntry } from '@engine/fileio';
