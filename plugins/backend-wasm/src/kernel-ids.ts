/** Numbers of the kernels in `assembly/dispatch.ts`. */
export const KERNEL = {
  packPanels: 1,
  convolve: 2,
  convolveFilter: 3,
  sumFilterParts: 4,
  multiplyMatrices: 5,
  depthwise: 6,
  depthwiseInput: 7,
  depthwiseFilter: 8,
  normStatistics: 9,
  normMerge: 10,
  normApply: 11,
  normGradSums: 12,
  normGradMerge: 13,
  normGradApply: 14,
  columnSums: 15,
  elementwise: 16,
  segmentSum: 17,
  crossEntropy: 18,
  crossEntropyGrad: 19,
  maxPoolGrad: 20,
  avgPoolGrad: 21,
  sgd: 22,
  adam: 23,
  convolveFilterExact: 24,
} as const;

export type KernelId = (typeof KERNEL)[keyof typeof KERNEL];

/** Flags of a product's tile, as in `assembly/tiles.ts`. */
export const RELU = 1;
