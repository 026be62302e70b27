import { withScope, type DependencyContainer, type Logger, type MessageHub } from '@engine/core';
import { prepareData } from '@engine/data';
import type { ProcessGroup } from '@engine/dist';
import { fetchPretrained, type BaseModel } from '@engine/nn';
import type { AnyOptimWrapper, ParamScheduler } from '@engine/optim';
import type { ComputeBackend } from '@engine/tensor';
import type { Visualizer } from '@engine/visualizer';
import { randomInt } from 'node:crypto';
import { addHook, buildHooks } from './build/hooks.js';
import { buildEvalLoop, buildTrainLoop, type LoopContext } from './build/loops.js';
import { modelOf, prepareForTraining } from './build/model.js';
import { withTrialRun } from './build/limits.js';
import { autoScaleLr, optimWrapperOf, schedulersOf } from './build/optim.js';
import type { FoundCheckpoint } from './checkpoint/find.js';
import { applyCheckpoint, checkpointToLoad, noCheckpoint } from './checkpoint/load.js';
import { CheckpointSaver } from './checkpoint/saver.js';
import { CheckpointStore } from './checkpoint/store.js';
import type { EventName, EventPayloads, Metrics } from './events.js';
import { HookBus } from './hook-bus.js';
import type { HookMethods } from './hook.js';
import type { LogProcessor } from './log-processor.js';
import type { Priority } from './priority.js';
import type { EvalLoop, TrainLoop } from './loops/loop.js';
import { announce } from './announce.js';
import { Compute } from './compute.js';
import { checkValidation } from './loops/sanity.js';
import { locateError, reportFailure } from './locate-error.js';
import type { Run, SaveOptions, SaveRequest } from './run.js';
import { importPlugins, warnOfPlugins } from './plugins.js';
import { notConfigured, notReady } from './runner-errors.js';
import type { RunDirectory } from './run-directory.js';
import { checkRunnerOptions, type HookConfig, type RunnerOptions } from './runner-options.js';
import { createServices, warnOfScope, type RunServices } from './setup.js';

/** How a training run ended. */
export type TrainOutcome = 'finished' | 'stopped';

/**
 * Wires the parts of a run together and holds what they share. Building, looping, logging and checkpointing live in
 * files of their own; the Runner decides their order.
 *
 * Nothing is built, and nothing written, before `train`, `val` or `test` is called.
 */
export class Runner implements Run {
  readonly options: RunnerOptions;
  backend: ComputeBackend | undefined;
  private hookBus = new HookBus();
  private services: RunServices | undefined;
  private compute: Compute | undefined;
  private store: CheckpointStore | undefined;
  private builtSaver: CheckpointSaver | undefined;
  private builtModel: BaseModel | undefined;
  private wrapper: AnyOptimWrapper | undefined;
  private schedulers: ParamScheduler[] = [];
  private loops: { train?: TrainLoop; val?: EvalLoop; test?: EvalLoop } = {};
  private runSeed: number | undefined;
  private stopAsked: string | undefined;
  private readonly stopping = new AbortController();
  private loaded = false;
  private announced = false;
  private readonly wanted: SaveRequest[] = [];
  /** Hooks that came before there was anything to build them with. */
  private readonly early: [hook: HookMethods | HookConfig, priority: Priority | undefined][] = [];

  /** @throws E_CONFIG_… for options that cannot be right, before anything happens */
  constructor(options: RunnerOptions) {
    try {
      checkRunnerOptions(options);
    } catch (error) {
      throw locateError(error, options.cfg);
    }
    this.options = withTrialRun(options);
  }

  static fromCfg(config: RunnerOptions): Runner {
    return new Runner(config);
  }

  get model(): BaseModel {
    return this.need(this.builtModel, 'model');
  }
  get optimWrapper(): AnyOptimWrapper {
    return this.need(this.wrapper, 'optimWrapper');
  }
  get paramSchedulers(): readonly ParamScheduler[] {
    return this.schedulers;
  }
  get container(): DependencyContainer {
    return this.ready.container;
  }
  get processGroup(): ProcessGroup {
    return this.ready.processGroup;
  }
  get directory(): RunDirectory {
    return this.ready.directory;
  }
  get experimentName(): string {
    return this.ready.experimentName;
  }
  get logger(): Logger {
    return this.ready.logger;
  }
  get messageHub(): MessageHub {
    return this.ready.messageHub;
  }
  get logProcessor(): LogProcessor {
    return this.ready.logProcessor;
  }
  get visualizer(): Visualizer {
    return this.ready.visualizer;
  }
  get checkpoints(): CheckpointStore {
    return this.need(this.store, 'checkpoints');
  }
  get saver(): CheckpointSaver {
    return this.need(this.builtSaver, 'saver');
  }
  get hooks(): readonly HookMethods[] {
    return this.hookBus.hooks;
  }
  get seed(): number {
    return this.need(this.runSeed, 'seed');
  }
  get trainLoop(): TrainLoop | undefined {
    return this.loops.train;
  }
  get valLoop(): EvalLoop | undefined {
    return this.loops.val;
  }
  get testLoop(): EvalLoop | undefined {
    return this.loops.test;
  }
  get epoch(): number {
    return this.loops.train?.epoch ?? 0;
  }
  get iter(): number {
    return this.loops.train?.iter ?? 0;
  }
  get maxEpochs(): number {
    return this.loops.train?.maxEpochs ?? this.options.trainCfg?.maxEpochs ?? 1;
  }
  get maxIters(): number {
    return this.loops.train?.maxIters ?? this.options.trainCfg?.maxIters ?? 1;
  }
  get stopReason(): string | undefined {
    return this.stopAsked;
  }

  get stopSignal(): AbortSignal {
    return this.stopping.signal;
  }

  requestStop(reason: string): void {
    this.stopAsked ??= reason;
    this.stopping.abort();
  }

  emit<E extends EventName>(event: E, payload?: EventPayloads[E]): void | Promise<void> {
    return this.callHook(event, payload);
  }

  /** Calls a stage by any name: those of events.ts, or one that a custom loop has. */
  callHook(stage: string, payload?: unknown): void | Promise<void> {
    const pending = this.hookBus.call(stage, this, payload);
    if (pending) return pending.then(() => this.saveWanted());
    if (this.wanted.length > 0) return this.saveWanted();
  }

  registerHook(hook: HookMethods | HookConfig, priority?: Priority): void {
    if (!this.services) this.early.push([hook, priority]);
    else this.scoped(() => addHook(this.hookBus, hook, 'registerHook', this.ready, priority));
  }

  exchangeModel(model: BaseModel): BaseModel {
    const before = this.model;
    this.builtModel = model;
    return before;
  }

  /** Asks for a checkpoint once every hook has heard the event in progress, so that it holds what all of them know. */
  requestSave(request: SaveRequest = {}): void {
    this.wanted.push(request);
  }

  private async saveWanted(): Promise<void> {
    while (this.wanted.length > 0) await this.saver.save(this, this.wanted.shift()!);
  }

  /**
   * Trains, from the beginning or from a checkpoint.
   * @returns `stopped` when the run was asked to stop; it has saved a checkpoint and resumes from it
   */
  async train(): Promise<TrainOutcome> {
    if (!this.options.trainCfg) throw notConfigured('train', 'trainDataloader, trainCfg and optimWrapper');
    return this.guard(async () => {
      const { loop, found, resuming } = await this.buildTraining();
      await this.announce(true);
      await this.emit('beforeRun');
      await fetchPretrained(this.model);
      this.model.initWeights({ seed: this.seed });
      if (found && !this.loaded) await this.load(found, resuming);
      if (!resuming) await checkValidation(this, this.options.numSanityValSteps ?? 0);
      this.wrapper!.initializeCountStatus(this.model, loop.iter, loop.maxIters);
      this.wrapper!.train();
      await loop.run();
      const outcome = await this.conclude(loop);
      this.wrapper!.eval();
      await this.saver.settle();
      await this.emit('afterRun');
      this.compute?.reportFallbacks(this.logger);
      this.saver.report();
      return outcome;
    });
  }

  /**
   * Builds all that the options describe and takes the weights, but runs nothing; see `dryRun`. Hooks hear of nothing.
   * @throws whatever is wrong with the options
   */
  async prepare(): Promise<void> {
    await this.guard(async () => {
      const { found } = this.options.trainCfg
        ? await this.buildTraining()
        : await this.buildForEvaluation('val');
      if (this.options.testCfg) await this.buildForEvaluation('test');
      await fetchPretrained(this.model);
      this.model.initWeights({ seed: this.seed });
      if (found) await this.load(found, false);
    });
  }

  private async buildTraining() {
    await this.setup();
    const found = await this.findCheckpoint();
    const resuming =
      found !== undefined && this.options.resume !== undefined && this.options.resume !== false;
    // The order of the data hangs on the seed, so a resumed run takes its own back before anything is built.
    if (resuming) this.takeSeed(found.content.meta.seed);
    this.builtModel ??= this.scoped(() => modelOf(this.options, this.container));
    prepareForTraining(this.model, this.options);
    const context = this.loopContext();
    await prepareData([this.options.trainDataloader, this.options.valDataloader]);
    const loop = (this.loops.train ??= this.scoped(() => buildTrainLoop(context)));
    this.wrapper ??= this.scoped(() => optimWrapperOf(this.options, this.model));
    autoScaleLr(this.options, this.wrapper, loop.dataloader, this);
    this.schedulers = this.scoped(() => schedulersOf(this.options, this.wrapper!, loop));
    if (this.options.valCfg) this.loops.val ??= this.scoped(() => buildEvalLoop(context, 'val'));
    return { loop, found, resuming };
  }

  /** Validates with the weights of `loadFrom` or `resume`, and returns the metrics. */
  val(): Promise<Metrics> {
    return this.evaluate('val');
  }

  /** Tests with the weights of `loadFrom` or `resume`, and returns the metrics. */
  test(): Promise<Metrics> {
    return this.evaluate('test');
  }

  saveCheckpoint(options: SaveOptions = {}): Promise<string> {
    return this.saver.save(this, options);
  }

  /** Ends what a run leaves running: loader workers, log files. Safe to call twice. */
  async close(): Promise<void> {
    await this.builtSaver?.close();
    for (const loop of Object.values(this.loops)) await loop.dataloader.close();
    this.services?.messageHub.dispose();
    await this.services?.visualizer.close();
    this.services?.logger.close();
  }

  private get ready(): RunServices {
    return this.need(this.services, 'directory, logger, …');
  }

  private async evaluate(mode: 'val' | 'test'): Promise<Metrics> {
    if (!this.options[`${mode}Cfg`]) {
      throw notConfigured(mode, `${mode}Dataloader, ${mode}Cfg and ${mode}Evaluator`);
    }
    return this.guard(async () => {
      const { loop } = await this.buildForEvaluation(mode);
      await this.announce();
      await this.emit('beforeRun');
      const found = this.loaded ? undefined : await this.findCheckpoint();
      if (found) await this.load(found, false);
      else if (this.options.resume) throw noCheckpoint(this.directory.workDir);
      else if (!this.loaded) {
        await fetchPretrained(this.model);
        this.model.initWeights({ seed: this.seed });
        this.logger.warn('No weights were loaded: the model is as it was initialised. Use loadFrom.');
      }
      const metrics = await loop.run();
      await this.emit('afterRun');
      return metrics;
    });
  }

  private async buildForEvaluation(mode: 'val' | 'test'): Promise<{ loop: EvalLoop; found?: undefined }> {
    await this.setup();
    this.builtModel ??= this.scoped(() => modelOf(this.options, this.container));
    await prepareData(this.options[`${mode}Dataloader`]);
    return { loop: (this.loops[mode] ??= this.scoped(() => buildEvalLoop(this.loopContext(), mode))) };
  }

  /** Everything that must exist before the model. Runs once. */
  private async setup(): Promise<void> {
    if (this.services) return;
    const { options } = this;
    const plugins = await importPlugins(options);
    this.compute = await Compute.start(options);
    this.backend = this.compute.backend;
    this.runSeed ??= options.randomness?.seed ?? randomInt(2 ** 31);
    const services = this.scoped(() => createServices(options));
    this.services = services;
    warnOfScope(options.defaultScope, services.logger);
    warnOfPlugins(plugins, services.logger);
    this.store = new CheckpointStore(services.directory, services.logger);
    this.builtSaver = new CheckpointSaver(this.store, services.logger);
    this.hookBus = this.scoped(() => buildHooks(options, services));
    for (const [hook, priority] of this.early.splice(0)) this.registerHook(hook, priority);
  }

  /** Says what is about to run, once all of it has been built: a config with a mistake ends with the mistake alone. */
  private async announce(training = false): Promise<void> {
    if (this.announced) return;
    this.announced = true;
    await announce(this, this.hookBus.describe());
    // A test launch has no checkpoints to find, so it does not take the name of the latest one.
    if (training) await this.directory.markLatest();
  }

  /** Builds with plain type names looked up in the config's default scope first. */
  private scoped<R>(build: () => R): R {
    return withScope(this.options.defaultScope, build);
  }

  private loopContext(): LoopContext {
    const { cfg } = this.options;
    const isModule = /\.[mc]?[jt]s$/.test(cfg?.filename ?? '');
    return {
      run: this,
      options: this.options,
      build: this.ready,
      workerModules: isModule ? [cfg!.filename!] : [],
    };
  }

  private findCheckpoint(): Promise<FoundCheckpoint | undefined> {
    return checkpointToLoad(this.options, this.directory.workDir, this.logger);
  }

  private async load(found: FoundCheckpoint, resuming: boolean): Promise<void> {
    await applyCheckpoint(this, found, resuming);
    this.loaded = true;
  }

  private takeSeed(saved: number): void {
    const configured = this.options.randomness?.seed;
    if (configured !== undefined && configured !== null && configured !== saved) {
      this.logger.warn(
        `The seed of the checkpoint, ${saved}, takes the place of the configured ${configured}.`,
      );
    }
    this.runSeed = saved;
  }

  private async conclude(loop: TrainLoop): Promise<TrainOutcome> {
    if (!this.stopAsked || loop.completed) return 'finished';
    const folder = await this.saveCheckpoint();
    this.logger.warn(`Stopped by ${this.stopAsked} at iteration ${loop.iter}; saved to ${folder}.`);
    return 'stopped';
  }

  /** Runs a whole call; a failure is written to error.json and the log, and what was started is ended. */
  private async guard<R>(body: () => Promise<R>): Promise<R> {
    try {
      return await body();
    } catch (error) {
      locateError(error, this.options.cfg);
      if (this.services) {
        await reportFailure(this, error);
      }
      await this.close();
      throw error;
    }
  }

  private need<T>(value: T | undefined, name: string): T {
    if (value !== undefined) return value;
    throw notReady(name);
  }
}
