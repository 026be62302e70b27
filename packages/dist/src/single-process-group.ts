import { checkKeys, PROCESS_GROUPS, register } from '@engine/core';
import { copyTensor, type Tensor } from '@engine/tensor';
import { GatheringGroup } from './gathering-group.js';

declare module '@engine/core' {
  interface ProcessGroupTypes {
    single: object;
  }
}

/** The group of a run that has one process: every collective gives back a copy of what it got. */
@register(PROCESS_GROUPS, { name: 'single' })
export class SingleProcessGroup extends GatheringGroup {
  readonly backend = 'single';
  readonly rank = 0;
  readonly worldSize = 1;

  /** @throws E_CONFIG_UNKNOWN_KEY: there are no options */
  constructor(options: object = {}) {
    super();
    checkKeys('single', options, []);
  }

  async allGather<T extends Tensor>(tensor: T): Promise<T[]> {
    return [copyTensor(tensor)];
  }

  async allGatherObject<V>(value: V): Promise<V[]> {
    return [structuredClone(value)];
  }
}
