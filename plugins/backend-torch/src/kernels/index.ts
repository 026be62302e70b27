import './complex.js';
import './conv.js';
import './elementwise.js';
import './image.js';
import './index-kernels.js';
import './matmul.js';
import './norm.js';
import './pool.js';
import './reduce.js';
import './shape.js';

export { installKernels, TFJS_NAME } from './define.js';
export {
  fallbackCounts,
  fallbackKernels,
  installFallbacks,
  kernelReport,
  resetFallbackCounts,
} from './fallback.js';
