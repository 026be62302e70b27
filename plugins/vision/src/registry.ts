import { extendRegistries } from '@engine/core';

/** The registries of the scope `vision`. */
export const { MODELS, DATASETS, TRANSFORMS, METRICS } = extendRegistries('vision');
