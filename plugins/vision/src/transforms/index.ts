export { CenterCrop, type CenterCropOptions } from './center-crop.js';
export type { ImageSample } from './image.js';
export { Normalize, type NormalizeOptions } from './normalize.js';
export { PackInputs, type PackedImage, type PackInputsOptions } from './pack-inputs.js';
export { RandomCrop, type RandomCropOptions } from './random-crop.js';
export { RandomFlip, type FlipDirection, type RandomFlipOptions } from './random-flip.js';
export { resize, Resize, type Interpolation, type ResizeOptions } from './resize.js';
export { TestTimeAug, type TestTimeAugOptions } from './test-time-aug.js';
export { ToTensor, type ToTensorOptions } from './to-tensor.js';
