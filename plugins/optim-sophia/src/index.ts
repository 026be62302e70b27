export * from './sophia-g.js';
export * from './sophia-h.js';
export * from './sophia.js';
