import type { UntypedName } from './untyped-name.js';

/* eslint-disable @typescript-eslint/no-empty-object-type, @typescript-eslint/no-empty-interface */
// One interface per root registry. A package that registers parts adds their options here by declaration merging:
//   declare module '@engine/core' { interface OptimizerTypes { Lion: LionOptions } }
export interface RunnerTypes {}
export interface RunnerConstructorTypes {}
export interface LoopTypes {}
export interface HookTypes {}
export interface StrategyTypes {}
export interface DatasetTypes {}
export interface SamplerTypes {}
export interface TransformTypes {}
export interface CollateTypes {}
export interface ModelTypes {}
export interface ModelWrapperTypes {}
export interface WeightInitializerTypes {}
export interface OptimizerTypes {}
export interface OptimWrapperTypes {}
export interface OptimWrapperConstructorTypes {}
export interface ParamSchedulerTypes {}
export interface MetricTypes {}
export interface EvaluatorTypes {}
export interface TaskUtilTypes {}
export interface VisualizerTypes {}
export interface VisBackendTypes {}
export interface LogProcessorTypes {}
export interface InferencerTypes {}
export interface FunctionTypes {}
export interface BackendTypes {}
export interface ProcessGroupTypes {}
export interface StorageBackendTypes {}
export interface ConfigReaderTypes {}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyEntry = (abstract new (...args: any[]) => any) | ((...args: any[]) => any);

/** A config as far as a registry cares: it names its type. */
export interface ComponentConfig {
  type: string | AnyEntry;
  /** Scope in which this config and those below it look up plain names. */
  _scope_?: string;
  [option: string]: unknown;
}

/** A part given as the class or function itself instead of a registered name. */
export type InlineConfig = { type: AnyEntry; _scope_?: string; [option: string]: unknown };

/** A part of a library that declares none of its options in a table, asked for by scope: `mylib.Name`. */
export type ScopedConfig<Types = object> = {
  type: UntypedName<keyof Types>;
  _scope_?: string;
  [option: string]: unknown;
};

/**
 * The configs a registry accepts: `{ type: 'Name' } & options` for every declared name, classes and functions in
 * place, and any options for names of scopes that no imported package declares.
 */
export type ConfigOf<Types extends object> =
  | { [K in keyof Types & string]: { type: K; _scope_?: string } & Types[K] }[keyof Types & string]
  | InlineConfig
  | ScopedConfig<Types>;

/** Lets a config name a part whose options are not declared, without weakening the check of all others. */
export function untyped(config: { type: string; [option: string]: unknown }): InlineConfig {
  return config as unknown as InlineConfig;
}
