import { isHostArray } from '@engine/core';
import { OptimWrapperDict, type AnyOptimWrapper, type Optimizer } from '@engine/optim';
import { disposeTree, isTensor, type LogVars, type OptimWrapperLike } from '@engine/tensor';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkValidation } from './loops/sanity.js';
import { hookName } from './hook-bus.js';
import { modelSize } from './hooks/model-summary-hook.js';
import { Runner } from './runner.js';
import type { RunnerOptions } from './runner-options.js';

/** What a dry run found. */
export interface DryRunReport {
  model: string;
  parameters: number;
  trainable: number;
  /** The first batch of training: shape of each array by its place. */
  batch: Record<string, readonly number[]>;
  /** Losses of that batch with the weights as they are before training. */
  losses: Record<string, number>;
  trainBatches: number | undefined;
  maxEpochs: number | undefined;
  maxIters: number | undefined;
  valBatches: number | undefined;
  testBatches: number | undefined;
  optimizer: string | undefined;
  paramGroups: number | undefined;
  schedulers: string[];
  hooks: string[];
}

/** The optimizer of a dry run: evaluates the loss and changes nothing. */
const NO_UPDATE: OptimWrapperLike = {
  step: (compute) => compute().logVars,
};

/**
 * Checks a config from end to end without training: builds all parts, loads weights, sends one batch of training through
 * the model and one of validation through the metrics. Nothing is updated, and nothing is left in the work dir.
 * @throws whatever a run with these options would throw until its first step
 */
export async function dryRun(options: RunnerOptions): Promise<DryRunReport> {
  const scratch = await mkdtemp(join(tmpdir(), 'engine-dry-run-'));
  const { resume, ...rest } = options;
  const from = resume === true ? options.workDir : resume || undefined;
  const runner = new Runner({
    ...rest,
    workDir: scratch,
    logLevel: options.logLevel ?? 'WARNING',
    ...(from !== undefined && rest.loadFrom === undefined && { loadFrom: from }),
  });
  try {
    await runner.prepare();
    const { batch, losses } = await firstStep(runner);
    await checkValidation(runner, 1);
    return report(runner, batch, losses);
  } finally {
    await runner.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A report as lines for people. */
export function describeDryRun(report: DryRunReport): string[] {
  const shapes = Object.entries(report.batch).map(([name, shape]) => `${name} [${shape.join(', ')}]`);
  const losses = Object.entries(report.losses).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  const lines: [string, string][] = [
    ['model', `${report.model}, ${report.parameters} parameters (${report.trainable} trained)`],
  ];
  if (report.trainBatches !== undefined) {
    lines.push(
      [
        'training',
        `${report.maxEpochs} epochs of ${report.trainBatches} batches, ${report.maxIters} iterations`,
      ],
      ['first batch', shapes.join('  ')],
      ['losses', losses.join('  ')],
      ['optimizer', `${report.optimizer}, ${report.paramGroups} parameter groups`],
      ['schedulers', report.schedulers.join(', ') || 'none'],
    );
  }
  if (report.valBatches !== undefined) lines.push(['validation', `${report.valBatches} batches`]);
  if (report.testBatches !== undefined) lines.push(['test', `${report.testBatches} batches`]);
  lines.push(['hooks', report.hooks.join(', ')]);
  return lines.map(([name, text]) => `${name.padEnd(12)} ${text}`);
}

async function firstStep(runner: Runner): Promise<Pick<DryRunReport, 'batch' | 'losses'>> {
  const batch: Record<string, readonly number[]> = {};
  const losses: Record<string, number> = {};
  const loader = runner.trainLoop?.dataloader;
  if (!loader) return { batch, losses };
  const batches = loader.iterate(0);
  try {
    const first = await batches.next();
    if (first.done) return { batch, losses };
    collectShapes(first.value, '', batch);
    runner.model.train();
    const step: LogVars | Promise<LogVars> = runner.model.trainStep(
      first.value,
      withoutUpdates(runner.optimWrapper),
    );
    const found: LogVars = step instanceof Promise ? await step : step;
    for (const [name, value] of Object.entries(found)) {
      losses[name] = typeof value === 'number' ? value : (await value.data())[0]!;
    }
    disposeTree(found);
  } finally {
    await batches.return?.();
  }
  return { batch, losses };
}

function report(runner: Runner, batch: DryRunReport['batch'], losses: DryRunReport['losses']): DryRunReport {
  const { trainLoop, valLoop, testLoop, model } = runner;
  const { parameters, trainable } = modelSize(model);
  const optimizers = trainLoop && optimizersOf(runner.optimWrapper);
  return {
    model: model.constructor.name,
    parameters,
    trainable,
    batch,
    losses,
    trainBatches: trainLoop?.dataloader.length,
    maxEpochs: trainLoop?.maxEpochs,
    maxIters: trainLoop?.maxIters,
    valBatches: valLoop?.dataloader.length,
    testBatches: testLoop?.dataloader.length,
    optimizer: optimizers?.map((optimizer) => optimizer.constructor.name).join(', '),
    paramGroups: optimizers?.reduce((sum, { paramGroups }) => sum + paramGroups.length, 0),
    schedulers: runner.paramSchedulers.map((scheduler) => scheduler.constructor.name),
    hooks: runner.hooks.map(hookName),
  };
}

/** What stands in for the wrapper, or for each of several. */
function withoutUpdates(wrapper: AnyOptimWrapper): OptimWrapperLike {
  if (!(wrapper instanceof OptimWrapperDict)) return NO_UPDATE;
  const get = (name: string): OptimWrapperLike => wrapper.get(name) && NO_UPDATE;
  return Object.create(wrapper, { get: { value: get } }) as OptimWrapperDict;
}

function optimizersOf(wrapper: AnyOptimWrapper): Optimizer[] {
  const wrappers = wrapper instanceof OptimWrapperDict ? wrapper.entries().map(([, one]) => one) : [wrapper];
  return wrappers.map(({ optimizer }) => optimizer);
}

function collectShapes(value: unknown, path: string, found: Record<string, readonly number[]>): void {
  if (isHostArray(value) || isTensor(value)) {
    found[path || 'batch'] = value.shape;
    return;
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const [key, inner] of Object.entries(value).slice(0, 8)) {
    collectShapes(inner, path ? `${path}.${key}` : key, found);
  }
}
