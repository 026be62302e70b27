import {
  badValue,
  checkKeys,
  EngineError,
  HOOKS,
  listNames,
  nearest,
  parseDuration,
  register,
  show,
} from '@engine/core';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkTemplate } from '../checkpoint/folder-name.js';
import type { EventPayloads, Metrics } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';
import { ruleOf, type BestRule } from './best-rule.js';
import { checkPublishedKeys, publishCheckpoint, type PublishedKey } from './publish-checkpoint.js';

export interface CheckpointHookOptions {
  /** Save every so many epochs or iterations; -1 saves only the last. The default hook has 1. */
  interval?: number;
  /** Unit of `interval`: epochs or iterations; that of the train loop unless said. */
  byEpoch?: boolean;
  /** Interval as a duration, in place of `interval` and `byEpoch`: `'500it'`, `'2ep'`, `'10min'`. */
  every?: string;
  /** First epoch or iteration (from 1) to save; 0. */
  saveBegin?: number;
  /** Also save at the end of training, however it ends; true. */
  saveLast?: boolean;
  saveOptimizer?: boolean;
  saveParamScheduler?: boolean;
  /** Keep only the newest so many checkpoints, beside the best; -1 keeps all. */
  maxKeepCkpts?: number;
  /** Metric (or metrics) whose best checkpoint is kept as `best_<metric>`; `auto` takes the first one reported. */
  saveBest?: string | readonly string[];
  /** Whether `greater` or `less` is better; found from the metric's name unless said. */
  rule?: BestRule | readonly BestRule[];
  greaterKeys?: readonly string[];
  lessKeys?: readonly string[];
  /** At the end, copy the last and the best checkpoints to `published/` with these parts beside the weights. */
  publishedKeys?: readonly PublishedKey[];
  /** Names of checkpoint folders: `epoch_{}`, `step_{iter:6}`. `{}` is the number in the unit of the interval. */
  filenameTmpl?: string;
  /** A second place, a folder or on another storage by prefix: each checkpoint is copied there once written here. */
  outDir?: string;
  /** Write in a thread while training goes on; it waits only until the tensors have been copied. False. */
  asyncSave?: boolean;
  /** Background saves that may be under way; one more waits for the oldest. Each takes memory of its own. 1. */
  asyncQueue?: number;
  /** A save that fails ends the run (`stop`) or is logged (`warn`); `stop`. In the background, at the next hook. */
  onSaveError?: 'stop' | 'warn';
  priority?: number | string;
}

const OPTIONS = [
  'interval',
  'byEpoch',
  'every',
  'saveBegin',
  'saveLast',
  'saveOptimizer',
  'saveParamScheduler',
  'maxKeepCkpts',
  'saveBest',
  'rule',
  'greaterKeys',
  'lessKeys',
  'publishedKeys',
  'filenameTmpl',
  'outDir',
  'asyncSave',
  'asyncQueue',
  'onSaveError',
  'priority',
];

/** Saves checkpoints at an interval, at the end, and whenever a metric is better than ever. */
@register(HOOKS)
export class CheckpointHook extends Hook {
  override priority = 'VERY_LOW' as const;
  private readonly options: CheckpointHookOptions;
  private readonly bestKeys: readonly string[];
  private readonly rules: readonly (BestRule | undefined)[];
  private unit: 'epoch' | 'iter' | 'second' = 'epoch';
  private every = -1;
  private lastSaveTime = 0;
  private savedIter = -1;
  /** What `auto` settled on. */
  private autoKey: string | undefined;

  constructor(options: CheckpointHookOptions = {}) {
    super();
    checkKeys('CheckpointHook', options, OPTIONS);
    this.options = options;
    if (options.every !== undefined && (options.interval !== undefined || options.byEpoch !== undefined)) {
      throw badValue(
        'CheckpointHook.every',
        options.every,
        'either `every`, or `interval` with `byEpoch`, not both',
      );
    }
    if (
      options.interval !== undefined &&
      !(Number.isInteger(options.interval) && (options.interval > 0 || options.interval === -1))
    ) {
      throw badValue(
        'CheckpointHook.interval',
        options.interval,
        'a whole number above 0, or -1 to save only the last',
      );
    }
    this.checkTypes(options);
    if (options.saveBegin !== undefined && !(options.saveBegin >= 0)) {
      throw badValue('CheckpointHook.saveBegin', options.saveBegin, 'a number of 0 or more');
    }
    const keys = options.saveBest === undefined ? [] : [options.saveBest].flat();
    if (new Set(keys).size !== keys.length || (keys.length > 1 && keys.includes('auto'))) {
      throw badValue('CheckpointHook.saveBest', keys, "different metric names, or 'auto' alone");
    }
    this.bestKeys = keys;
    const rules = options.rule === undefined ? [] : [options.rule].flat();
    for (const rule of rules) {
      if (rule !== 'greater' && rule !== 'less')
        throw badValue('CheckpointHook.rule', rule, "'greater' or 'less'");
    }
    if (rules.length > 1 && rules.length !== keys.length) {
      throw badValue(
        'CheckpointHook.rule',
        rules,
        `one rule, or one for each of the ${keys.length} metrics of saveBest`,
      );
    }
    if (options.publishedKeys) checkPublishedKeys('CheckpointHook.publishedKeys', options.publishedKeys);
    this.rules = keys.map((_, i) => (rules.length === 1 ? rules[0] : rules[i]));
    if (options.every !== undefined) {
      const duration = parseDuration(options.every, 'CheckpointHook.every');
      this.unit = duration.unit;
      this.every = duration.value;
    }
  }

  private checkTypes(options: CheckpointHookOptions): void {
    const { filenameTmpl, outDir, asyncQueue, onSaveError } = options;
    if (filenameTmpl !== undefined) checkTemplate('CheckpointHook.filenameTmpl', filenameTmpl);
    if (outDir !== undefined && (typeof outDir !== 'string' || outDir === ''))
      throw badValue('CheckpointHook.outDir', outDir, 'a folder, or a path on another storage');
    if (asyncQueue !== undefined && !(Number.isInteger(asyncQueue) && asyncQueue > 0))
      throw badValue('CheckpointHook.asyncQueue', asyncQueue, 'a whole number above 0');
    if (onSaveError !== undefined && onSaveError !== 'stop' && onSaveError !== 'warn')
      throw badValue('CheckpointHook.onSaveError', onSaveError, "'stop' or 'warn'");
    const number = (name: 'saveBegin' | 'maxKeepCkpts'): void => {
      const value = options[name];
      if (value !== undefined && !Number.isInteger(value))
        throw badValue(`CheckpointHook.${name}`, value, 'a whole number');
    };
    number('saveBegin');
    number('maxKeepCkpts');
    for (const name of ['byEpoch', 'saveLast', 'saveOptimizer', 'saveParamScheduler', 'asyncSave'] as const) {
      const value = options[name];
      if (value !== undefined && typeof value !== 'boolean')
        throw badValue(`CheckpointHook.${name}`, value, 'true or false');
    }
    const names = {
      saveBest: [options.saveBest ?? []].flat(),
      greaterKeys: options.greaterKeys,
      lessKeys: options.lessKeys,
    };
    for (const [name, list] of Object.entries(names)) {
      if (list === undefined || (Array.isArray(list) && list.every((item) => typeof item === 'string')))
        continue;
      throw badValue(`CheckpointHook.${name}`, list, 'names of metrics');
    }
  }

  override stateDict(): unknown {
    return { autoKey: this.autoKey };
  }

  override loadStateDict(state: unknown): void {
    this.autoKey = (state as { autoKey?: string }).autoKey;
  }

  override async beforeTrain(run: Run): Promise<void> {
    if (this.options.every === undefined) {
      this.unit = (this.options.byEpoch ?? run.trainLoop!.byEpoch) ? 'epoch' : 'iter';
      this.every = this.options.interval ?? -1;
    }
    if (this.unit === 'epoch' && !run.trainLoop!.byEpoch) {
      throw badValue(
        'CheckpointHook.byEpoch',
        true,
        'iterations, since training goes by iterations and never ends an epoch',
        "set byEpoch: false, or every: '500it'",
      );
    }
    this.lastSaveTime = Date.now();
    const { checkpoints } = run;
    const unit = this.unit === 'epoch' ? 'epoch' : 'iter';
    checkpoints.configure({ template: this.options.filenameTmpl, unit, outDir: this.options.outDir });
    const copies = checkpoints.mirrorHome === undefined ? '' : ` and copied to ${checkpoints.mirrorHome}`;
    run.logger.info(`Checkpoints will be saved to ${run.directory.checkpoints}${copies}.`);
    await run.checkpoints.prune(this.options.maxKeepCkpts ?? -1);
  }

  override afterTrainEpoch(run: Run): void {
    run.saver.report(this.options.onSaveError);
    if (this.unit !== 'epoch') return;
    const epoch = run.epoch + 1;
    if (!this.due(epoch) && !(this.savesLast && epoch === run.maxEpochs)) return;
    run.logger.info(`Saving checkpoint at ${epoch} epochs`);
    this.save(run);
  }

  override afterTrainIter(run: Run): void {
    run.saver.report(this.options.onSaveError);
    if (this.options.asyncSave) run.saver.prepare(run, this.options.asyncQueue ?? 1);
    if (this.unit === 'epoch') return;
    const iter = run.iter + 1;
    const due = this.unit === 'second' ? Date.now() - this.lastSaveTime >= this.every * 1000 : this.due(iter);
    if (!due && !(this.savesLast && iter === run.maxIters)) return;
    run.logger.info(`Saving checkpoint at ${iter} iterations`);
    this.save(run);
  }

  override afterValEpoch(run: Run, { metrics }: EventPayloads['afterValEpoch']): void {
    if (!run.trainLoop || this.bestKeys.length === 0) return;
    if (Object.keys(metrics).length === 0) {
      run.logger.warn('The evaluation reported no metrics, so no checkpoint can be the best.');
      return;
    }
    const better: Record<string, number> = {};
    for (const [i, wanted] of this.bestKeys.entries()) {
      const key = this.metricKey(wanted, metrics);
      const score = metrics[key];
      if (typeof score !== 'number' || Number.isNaN(score)) continue;
      const rule = this.rules[i] ?? ruleOf(key, this.options.greaterKeys, this.options.lessKeys);
      const best = run.checkpoints.bestScoreOf(key);
      if (best === undefined || (rule === 'greater' ? score > best : score < best)) better[key] = score;
    }
    if (Object.keys(better).length === 0) return;
    const at = run.trainLoop.byEpoch ? `${run.epoch} epoch` : `${run.iter} iter`;
    this.save(run, better, (folder) => {
      for (const [key, score] of Object.entries(better)) {
        run.logger.info(
          `The best checkpoint with ${score.toFixed(4)} ${key} at ${at} is saved to ${folder}.`,
        );
      }
    });
  }

  /** Training may end before its last step, by early stopping: what it reached is saved all the same. */
  override afterTrain(run: Run): void {
    if (this.savesLast && this.savedIter !== run.iter) this.save(run);
  }

  /** Saves asked for in afterTrain have been written by now. */
  override async afterRun(run: Run): Promise<void> {
    run.saver.report(this.options.onSaveError);
    if (this.options.publishedKeys && run.trainLoop?.completed) {
      await this.publish(run, this.options.publishedKeys);
    }
  }

  private get savesLast(): boolean {
    return this.options.saveLast ?? true;
  }

  private async publish(run: Run, keys: readonly PublishedKey[]): Promise<void> {
    const best = Object.values(run.checkpoints.bestCheckpoints);
    const folders = best.map(({ folder }) => resolve(run.directory.workDir, folder));
    const { newest } = run.checkpoints;
    // A run that resumed one already complete has written nothing of its own.
    const own = newest !== undefined && dirname(newest) === run.directory.checkpoints;
    if (this.savesLast && own) folders.push(newest);
    for (const folder of new Set(folders)) {
      if (!existsSync(folder)) continue;
      const target = await publishCheckpoint(folder, run.directory.path('published'), keys);
      run.logger.info(`Published ${folder} as ${target}.`);
    }
  }

  private due(done: number): boolean {
    const from = done - (this.options.saveBegin ?? 0);
    return this.every > 0 && from >= 0 && from % this.every === 0;
  }

  /** The state of hooks that hear this event later belongs into the checkpoint, so it is written when all have. */
  private save(run: Run, best?: Record<string, number>, onSaved?: (folder: string) => void): void {
    run.requestSave({
      saveOptimizer: this.options.saveOptimizer,
      saveParamScheduler: this.options.saveParamScheduler,
      best,
      regular: best === undefined,
      maxKeep: this.options.maxKeepCkpts,
      background: this.options.asyncSave ? { queue: this.options.asyncQueue ?? 1 } : undefined,
      onError: this.options.onSaveError,
      onSaved: (folder) => {
        this.lastSaveTime = Date.now();
        run.messageHub.updateInfo('lastCkpt', run.directory.relative(folder));
        onSaved?.(folder);
      },
    });
    if (best === undefined) this.savedIter = run.trainLoop!.position().iter;
  }

  private metricKey(wanted: string, metrics: Metrics): string {
    if (wanted === 'auto') return (this.autoKey ??= Object.keys(metrics)[0]!);
    if (wanted in metrics) return wanted;
    const names = Object.keys(metrics);
    throw new EngineError({
      code: 'E_METRIC_UNKNOWN',
      what: `The evaluation reports no metric '${wanted}', which CheckpointHook.saveBest asks for.`,
      received: `saveBest = ${show(this.options.saveBest)}`,
      expected: `one of ${listNames(names)}, or 'auto'`,
      didYouMean: nearest(wanted, names),
      exitCode: 2,
    });
  }
}

declare module '@engine/core' {
  interface HookTypes {
    CheckpointHook: CheckpointHookOptions;
  }
}
