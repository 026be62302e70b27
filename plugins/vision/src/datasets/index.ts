export { CIFAR10, CIFAR100, hasCifar10, type CIFAROptions } from './cifar.js';
export { GeneratedImages, type GeneratedImagesOptions } from './generated-images.js';
export { ImageDataset, type ImageDatasetOptions } from './image-dataset.js';
export { ImageStore, sharedImages, type SharedImages } from './image-store.js';
