import { badValue, EngineError, HOOKS, MODELS, register, type HostArray } from '@engine/core';
import { fromTorchLayout, type BaseAveragedModel, type BaseModel } from '@engine/nn';
import { toHostArray, type Tensor } from '@engine/tensor';
import { restoreModel } from '../checkpoint/capture.js';
import type { CheckpointContent } from '../checkpoint/content.js';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface EMAHookOptions {
  /** Registered averaged model, by name or as a config; `ExponentialMovingAverage`. */
  emaType?: string | { type: string; [option: string]: unknown };
  /** On resume, make it an error when the checkpoint lacks weights that are averaged now; false. */
  strictLoad?: boolean;
  /** First iteration (from 1) to average; 0, from the start. Until then the average is the model. */
  beginIter?: number;
  /** First epoch (from 1) to average; 0. */
  beginEpoch?: number;
  /** Weight of the new value; 0.0002. This and the options below belong to the averaged model. */
  momentum?: number;
  /** Of MomentumAnnealingEMA; 100. */
  gamma?: number;
  /** Iterations between two averagings; 1. */
  interval?: number;
  /** Average buffers too; false. */
  updateBuffers?: boolean;
  priority?: number | string;
}

/** Name of the group of tensors in a checkpoint that holds the weights being trained. */
const RAW = 'raw_model';

/**
 * Keeps an average of the weights, validates and tests with it, and saves it as the checkpoint's `model`; the weights
 * being trained lie beside it in `raw_model.safetensors`, for resuming.
 */
@register(HOOKS)
export class EMAHook extends Hook {
  private readonly config: { type: string; [option: string]: unknown };
  private readonly strictLoad: boolean;
  private readonly beginIter: number;
  private readonly beginEpoch: number;
  private averaged: BaseAveragedModel | undefined;
  /** Averages of a run that is over, in host memory: a later test uses them, and no tensor outlives the run. */
  private atRest: { steps: number; state: Record<string, HostArray> } | undefined;
  private loading: CheckpointContent | undefined;
  private stepsToRestore: number | undefined;

  /** @throws E_CONFIG_VALUE for begins that contradict each other */
  constructor(options: EMAHookOptions = {}) {
    super();
    const { emaType, strictLoad, beginIter = 0, beginEpoch = 0, ...rest } = options;
    for (const [name, begin] of Object.entries({ beginIter, beginEpoch })) {
      if (!Number.isInteger(begin) || begin < 0) {
        throw badValue(`EMAHook.${name}`, begin, 'a whole number of 0 or more');
      }
    }
    if (beginIter > 0 && beginEpoch > 0) {
      throw badValue('EMAHook.beginEpoch', beginEpoch, 'either beginIter or beginEpoch, not both');
    }
    this.strictLoad = strictLoad ?? false;
    this.beginIter = beginIter;
    this.beginEpoch = beginEpoch;
    const base = typeof emaType === 'object' ? emaType : { type: emaType ?? 'ExponentialMovingAverage' };
    MODELS.require(base.type, 'EMAHook.emaType');
    delete rest.priority;
    this.config = { ...base, ...rest };
  }

  override stateDict(): unknown {
    return { steps: this.stepsToRestore ?? this.averaged?.steps ?? this.atRest?.steps ?? 0 };
  }

  override loadStateDict(state: unknown): void {
    this.stepsToRestore = (state as { steps: number }).steps;
  }

  override afterLoadCheckpoint(_run: Run, { checkpoint }: EventPayloads['afterLoadCheckpoint']): void {
    this.loading = checkpoint;
    this.stepsToRestore = undefined;
  }

  override beforeTrain(run: Run): void {
    for (const [name, begin, max] of [
      ['beginIter', this.beginIter, run.maxIters],
      ['beginEpoch', this.beginEpoch, run.maxEpochs],
    ] as const) {
      if (begin > max) throw badValue(`EMAHook.${name}`, begin, `at most ${max}, where training ends`);
    }
    const averaged = (this.averaged ??= this.build(run.model));
    const { loading, stepsToRestore } = this;
    this.loading = undefined;
    this.stepsToRestore = undefined;
    if (loading && stepsToRestore !== undefined && stepsToRestore > 0) {
      this.restore(run, averaged, loading, stepsToRestore);
    } else if (this.atRest) this.wake(averaged);
    else averaged.copyFromModel();
  }

  override afterTrainIter(run: Run): void {
    if (run.iter + 1 >= this.beginIter && run.epoch + 1 >= this.beginEpoch) this.averaged!.updateParameters();
  }

  override beforeValEpoch(): void {
    this.exchange(true);
  }

  override afterValEpoch(): void {
    this.exchange(false);
  }

  override beforeTestEpoch(run: Run): void {
    if (this.atRest && !this.averaged) this.wake((this.averaged = this.build(run.model)));
    this.exchange(true);
  }

  override afterTestEpoch(): void {
    this.exchange(false);
  }

  override savedTensors(): Iterable<Tensor> {
    return Object.values(this.averaged?.ownState() ?? {});
  }

  override beforeSaveCheckpoint(
    _run: Run,
    { checkpoint, snapshot }: EventPayloads['beforeSaveCheckpoint'],
  ): void {
    const { averaged } = this;
    if (!averaged || averaged.steps === 0) return;
    const own: Record<string, HostArray> = {};
    for (const [name, variable] of Object.entries(averaged.ownState())) own[name] = snapshot(variable);
    const inModel = Object.fromEntries(Object.keys(own).map((name) => [name, checkpoint.model[name]!]));
    // A run stopped in the middle of a validation is saved with the averages still in the model.
    const [averages, raw] = averaged.swapped ? [inModel, own] : [own, inModel];
    checkpoint.model = { ...checkpoint.model, ...averages };
    checkpoint.extra = { ...checkpoint.extra, [RAW]: raw };
    // Both are captured in memory layout, so both are turned alike when they are written.
    checkpoint.turns = { ...checkpoint.turns, [RAW]: checkpoint.turns?.['model'] ?? {} };
  }

  override afterRun(): void {
    this.exchange(false);
    const { averaged } = this;
    if (!averaged) return;
    if (averaged.steps > 0) {
      const state = Object.entries(averaged.ownState()).map(([name, value]) => [name, toHostArray(value)]);
      this.atRest = { steps: averaged.steps, state: Object.fromEntries(state) as Record<string, HostArray> };
    }
    averaged.dispose();
    this.averaged = undefined;
  }

  private build(model: BaseModel): BaseAveragedModel {
    return MODELS.build<BaseAveragedModel>(this.config as never, {
      args: [model],
      path: 'EMAHook',
      from: this.config,
    });
  }

  private wake(averaged: BaseAveragedModel): void {
    averaged.loadOwnState(this.atRest!.state);
    averaged.steps = this.atRest!.steps;
    this.atRest = undefined;
  }

  private exchange(toAverages: boolean): void {
    const { averaged } = this;
    if (averaged && averaged.steps > 0 && averaged.swapped !== toAverages) averaged.swap();
  }

  /** The Runner has loaded the averages as the model; the weights that were being trained take their place. */
  private restore(run: Run, averaged: BaseAveragedModel, content: CheckpointContent, steps: number): void {
    const layouts = run.model.layouts();
    const state: Record<string, HostArray> = {};
    for (const [name, variable] of Object.entries(averaged.ownState())) {
      const saved = content.model[name];
      if (saved) state[name] = fromTorchLayout(saved, layouts[name] ?? 'none', variable.shape);
    }
    averaged.loadOwnState(state);
    averaged.steps = steps;
    const raw = content.extra?.[RAW] ?? {};
    const missing = Object.keys(averaged.ownState()).filter((name) => !(name in raw));
    if (missing.length > 0 && this.strictLoad) {
      throw new EngineError({
        code: 'E_RESUME_EMA',
        what: 'The checkpoint does not have both the average and the raw value of everything that is averaged now.',
        received: `no raw value of ${missing.slice(0, 4).join(', ')}`,
        expected: 'the same updateBuffers as in the run that wrote it',
        fix: 'resume with the config of the run, or set strictLoad: false',
        exitCode: 2,
      });
    }
    restoreModel(run.model, { ...content.model, ...raw }, true);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    EMAHook: EMAHookOptions;
  }
}
