import { extendRegistries } from '@engine/core';

/** The registries of the scope `outsider`: children of the engine's. */
export const { DATASETS, METRICS, MODELS, OPTIMIZERS, TRANSFORMS, VISBACKENDS } =
  extendRegistries('outsider');
