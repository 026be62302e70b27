export * from './accelerated.js';
export * from './compute-backend.js';
export * from './tf.js';
export * from './training.js';
