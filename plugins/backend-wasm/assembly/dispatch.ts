import { convolve } from './conv';
import { convolveFilter, sumFilterParts } from './conv-filter';
import { convolveFilterExact } from './conv-filter-exact';
import { depthwise, depthwiseFilter, depthwiseInput } from './depthwise';
import { elementwise, segmentSum } from './elementwise';
import { crossEntropy, crossEntropyGrad } from './loss';
import { multiplyMatrices } from './matmul';
import {
  columnSums,
  normApply,
  normGradApply,
  normGradMerge,
  normGradSums,
  normMerge,
  normStatistics,
} from './norm';
import { adam, sgd } from './optim';
import { packPanels } from './pack';
import { avgPoolGrad, maxPoolGrad } from './pooling';

/** Runs one chunk of a job. The numbers are those of `KERNEL` in `src/kernel-ids.ts`. */
export function dispatch(kernel: i32, args: usize, chunk: i32, scratch: usize): void {
  switch (kernel) {
    case 1:
      return packPanels(args, chunk);
    case 2:
      return convolve(args, chunk, scratch);
    case 3:
      return convolveFilter(args, chunk, scratch);
    case 4:
      return sumFilterParts(args, chunk);
    case 5:
      return multiplyMatrices(args, chunk, scratch);
    case 6:
      return depthwise(args, chunk);
    case 7:
      return depthwiseInput(args, chunk);
    case 8:
      return depthwiseFilter(args, chunk);
    case 9:
      return normStatistics(args, chunk);
    case 10:
      return normMerge(args);
    case 11:
      return normApply(args, chunk);
    case 12:
      return normGradSums(args, chunk);
    case 13:
      return normGradMerge(args);
    case 14:
      return normGradApply(args, chunk);
    case 15:
      return columnSums(args, chunk);
    case 16:
      return elementwise(args, chunk);
    case 17:
      return segmentSum(args, chunk);
    case 18:
      return crossEntropy(args, chunk);
    case 19:
      return crossEntropyGrad(args, chunk);
    case 20:
      return maxPoolGrad(args, chunk);
    case 21:
      return avgPoolGrad(args, chunk);
    case 22:
      return sgd(args, chunk);
    case 23:
      return adam(args, chunk);
    case 24:
      return convolveFilterExact(args, chunk);
    default:
      unreachable();
  }
}
