import { convKernels } from './conv-kernels.js';
import { installKernels } from './install.js';
import { matmulKernels } from './matmul-kernels.js';

/** Puts this package's kernels in tfjs's table for wasm. */
export function installAllKernels(): void {
  installKernels([...convKernels(), ...matmulKernels()]);
}
