import { convKernels } from './conv-kernels.js';
import { elementwiseKernels } from './elementwise-kernels.js';
import { gatherKernels } from './gather-kernels.js';
import { installKernels } from './install.js';
import { lossKernels } from './loss-kernels.js';
import { matmulKernels } from './matmul-kernels.js';
import { normKernels } from './norm-kernels.js';
import { optimKernels } from './optim-kernels.js';
import { poolKernels } from './pool-kernels.js';

/** Puts this package's kernels in tfjs's table for wasm. */
export function installAllKernels(): void {
  installKernels([
    ...convKernels(),
    ...matmulKernels(),
    ...normKernels(),
    ...elementwiseKernels(),
    ...lossKernels(),
    ...poolKernels(),
    ...gatherKernels(),
    ...optimKernels(),
  ]);
}
