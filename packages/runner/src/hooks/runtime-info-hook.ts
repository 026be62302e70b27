import { HOOKS, register } from '@engine/core';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';
import { ReportedScalars } from '../reported-scalars.js';
import { ENGINE_VERSION } from '../version.js';

/** Writes what a run is and where it stands into the message hub, for the log processor and for other hooks. */
@register(HOOKS)
export class RuntimeInfoHook extends Hook {
  override priority = 'VERY_HIGH' as const;
  private stageBefore: unknown;
  private readonly reported = new ReportedScalars();

  override beforeRun(run: Run): void {
    run.messageHub.updateInfoDict({
      seed: run.seed,
      experimentName: run.experimentName,
      engineVersion: ENGINE_VERSION,
    });
  }

  override beforeTrain(run: Run): void {
    const loop = run.trainLoop!;
    run.messageHub.updateInfoDict({
      loopStage: 'train',
      epoch: run.epoch,
      iter: run.iter,
      maxEpochs: run.maxEpochs,
      maxIters: run.maxIters,
    });
    const metainfo = (loop.dataloader.dataset as { metainfo?: unknown }).metainfo;
    if (metainfo !== undefined) run.messageHub.updateInfo('datasetMeta', metainfo);
  }

  override beforeTrainEpoch(run: Run): void {
    run.messageHub.updateInfo('epoch', run.epoch);
  }

  override beforeTrainIter(run: Run): void {
    this.reported.endStage();
    const hub = run.messageHub;
    hub.updateInfo('iter', run.iter);
    const rates = run.optimWrapper.getLr();
    for (const name in rates) hub.updateScalar(`train/${name}`, rates[name]![0]!);
  }

  override afterTrainIter(run: Run, { outputs }: EventPayloads['afterTrainIter']): void {
    for (const name in outputs) {
      const value = outputs[name]!;
      const scalar = typeof value === 'number' ? value : this.reported.adopt(value);
      run.messageHub.updateScalar(`train/${name}`, scalar);
    }
  }

  override afterTrainEpoch(): void {
    this.reported.endStage();
  }

  override afterTrain(run: Run): void {
    this.reported.endStage();
    run.messageHub.popInfo('loopStage');
  }

  override beforeVal(run: Run): void {
    this.reported.endStage();
    this.stageBefore = run.messageHub.getInfo('loopStage');
    run.messageHub.updateInfo('loopStage', 'val');
  }

  override afterVal(run: Run): void {
    if (this.stageBefore === undefined) run.messageHub.popInfo('loopStage');
    else run.messageHub.updateInfo('loopStage', this.stageBefore);
  }

  override afterValEpoch(run: Run, { metrics }: EventPayloads['afterValEpoch']): void {
    recordMetrics(run, 'val', metrics);
  }

  override beforeTest(run: Run): void {
    run.messageHub.updateInfo('loopStage', 'test');
  }

  override afterTest(run: Run): void {
    run.messageHub.popInfo('loopStage');
  }

  override afterTestEpoch(run: Run, { metrics }: EventPayloads['afterTestEpoch']): void {
    recordMetrics(run, 'test', metrics);
  }
}

function recordMetrics(run: Run, mode: 'val' | 'test', metrics: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value === 'number') run.messageHub.updateScalar(`${mode}/${name}`, value);
    else run.messageHub.updateInfo(`${mode}/${name}`, value);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    RuntimeInfoHook: { priority?: number | string };
  }
}
