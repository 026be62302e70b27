import { hostArray, RandomStream } from '@engine/core';
import { DataLoader, DefaultSampler, InfiniteSampler } from '@engine/data';
import { BaseMetric } from '@engine/evaluator';
import { BaseModel, Linear } from '@engine/nn';
import { Runner, type HookMethods, type RunnerOptions } from '@engine/runner';
import { tf, type Tensor } from '@engine/tensor';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A linear model on a linear problem; small enough for hundreds of iterations in a test. */
export class ToyModel extends BaseModel {
  linear = new Linear({ inFeatures: 2, outFeatures: 1 });

  override forward(inputs: Tensor, targets: Tensor, mode: 'loss' | 'predict' | 'tensor' = 'tensor') {
    const out = this.linear.forward(inputs as never);
    if (mode === 'loss') return { loss: tf.mean(tf.squaredDifference(out, targets)) };
    if (mode === 'predict') return [out, targets];
    return out;
  }
}

/** Points on a plane, the same for everybody. */
export class ToyDataset {
  readonly metainfo = { name: 'toy' };
  constructor(readonly length = 12) {}

  getItem(index: number): unknown {
    const rng = RandomStream.of(5, 'toy', index);
    const [x, y] = [rng.normal(), rng.normal()];
    return [hostArray(Float32Array.of(x, y), [2]), hostArray(Float32Array.of(2 * x - y + 0.5), [1])];
  }
}

/** A metric that reports what it is told, one value per evaluation. */
export class ScriptedMetric extends BaseMetric {
  calls = 0;
  constructor(
    private readonly scores: readonly number[],
    private readonly key = 'acc',
  ) {
    super({ prefix: 'test' } as never);
  }
  override process(): void {
    this.results.push(0);
  }
  override computeMetrics(): Record<string, number> {
    return { [this.key]: this.scores[Math.min(this.calls++, this.scores.length - 1)]! };
  }
}

export function toyLoader(
  options: { length?: number; batchSize?: number; infinite?: boolean } = {},
): DataLoader {
  const dataset = new ToyDataset(options.length ?? 12);
  const sampler = options.infinite
    ? new InfiniteSampler(dataset, { shuffle: true, seed: 1 })
    : new DefaultSampler(dataset, { shuffle: true, seed: 1 });
  return new DataLoader({ dataset, sampler, batchSize: options.batchSize ?? 3, collateFn: 'defaultCollate' });
}

export function toyOptions(workDir: string, changes: Partial<RunnerOptions> = {}): RunnerOptions {
  return {
    model: { type: ToyModel } as never,
    workDir,
    device: 'cpu',
    logLevel: 'ERROR',
    trainDataloader: toyLoader() as never,
    trainCfg: { maxEpochs: 3 },
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9 } },
    randomness: { seed: 3 },
    ...changes,
  };
}

/** Options of validation with scripted scores. */
export function toyVal(scores: readonly number[]): Partial<RunnerOptions> {
  return {
    valDataloader: toyLoader() as never,
    valCfg: {},
    valEvaluator: new ScriptedMetric(scores) as never,
  };
}

/** A hook that writes down every event it hears, with the counters of the run. */
export function spy(events: readonly string[]): { log: string[]; hook: HookMethods } {
  const log: string[] = [];
  const hook: Record<string, unknown> = { priority: 'LOWEST' };
  for (const event of events) {
    hook[event] = (run: { epoch: number; iter: number }, payload?: { batchIdx?: number }) => {
      log.push(
        `${event} e${run.epoch} i${run.iter}${payload?.batchIdx === undefined ? '' : ` b${payload.batchIdx}`}`,
      );
    };
  }
  return { log, hook: hook as HookMethods };
}

export function temporaryFolder(): { path: string; dispose: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'runner-test-'));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

/** Trains and closes; the Runner afterwards answers for what happened. */
export async function trained(options: RunnerOptions): Promise<Runner> {
  const runner = new Runner(options);
  await runner.train();
  await runner.close();
  return runner;
}

export function weights(runner: Runner): number[] {
  return Object.values(runner.model.stateDict()).flatMap((variable) => [...variable.dataSync()]);
}
