export * from './base-averaged-model.js';
export {
  ExponentialMovingAverage,
  type ExponentialMovingAverageOptions,
} from './exponential-moving-average.js';
export * from './momentum-annealing-ema.js';
export * from './stochastic-weight-average.js';
