import { HOOKS, register } from '@engine/core';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

/** Steps the parameter schedulers: those by iteration (or update) after each one, those by epoch after each epoch. */
@register(HOOKS)
export class ParamSchedulerHook extends Hook {
  override priority = 'LOW' as const;

  override afterTrainIter(run: Run): void {
    for (const scheduler of run.paramSchedulers) scheduler.afterIteration();
  }

  override afterTrainEpoch(run: Run): void {
    for (const scheduler of run.paramSchedulers) if (scheduler.byEpoch) scheduler.step();
  }

  /** Schedulers that follow a metric, such as ReduceOnPlateau, get it when it is known. */
  override afterValEpoch(run: Run, { metrics }: EventPayloads['afterValEpoch']): void {
    for (const scheduler of run.paramSchedulers) {
      if (scheduler.byEpoch && scheduler.needsMetrics) scheduler.step(metrics);
    }
  }
}

declare module '@engine/core' {
  interface HookTypes {
    ParamSchedulerHook: { priority?: number | string };
  }
}
