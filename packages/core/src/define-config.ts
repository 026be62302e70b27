/**
 * The shape of a whole experiment. Empty here: the package that reads a config adds its options by declaration merging:
 * `declare module '@engine/core' { interface ExperimentConfig { trainCfg?: … } }`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-empty-interface
export interface ExperimentConfig {}

/** A config that says only what differs from its bases; it is checked when it has been merged with them. */
export interface InheritedConfig {
  /** Config files, relative to this one, that this one is merged over. */
  _base_: string | readonly string[];
  [key: string]: unknown;
}

/**
 * Gives a config file its types; returns its argument. A config with `_base_` may hold any part of an experiment, one
 * without is checked as a whole.
 *
 * @example
 * export default defineConfig({ model: { type: Net }, trainCfg: { byEpoch: true, maxEpochs: 3 } });
 */
export function defineConfig(config: InheritedConfig): InheritedConfig;
export function defineConfig(config: ExperimentConfig): ExperimentConfig;
export function defineConfig(config: object): object {
  return config;
}
