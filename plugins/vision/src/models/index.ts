export * from './average-cls-score-tta.js';
export * from './image-classifier.js';
export * from './residual-blocks.js';
export * from './resnet.js';
