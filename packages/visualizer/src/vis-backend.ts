import type { HostArray, LazyScalar, ReadableScalar } from '@engine/core';

/** A value that is reported: a number, or something on a device that holds one. It stays the caller's. */
export type ScalarValue = number | LazyScalar | ReadableScalar;

export interface AddScalarsOptions {
  /** Position in training. Default 0; a `step` among the scalars wins. */
  step?: number | undefined;
  /** Also write the scalars to this file (`.json`) in the backend's folder. */
  filePath?: string | undefined;
}

/** A config: a plain object, or the text of one that was dumped already (YAML). */
export type ConfigContent = string | object;

/**
 * A place that keeps what a run reports: a folder, an experiment tracker. Registered in `VISBACKENDS` as a class
 * `new X(options)`, whose options include `saveDir`. A class that cannot work without a folder says
 * `static needsSaveDir = true`.
 *
 * Nothing may be opened, connected or written in the constructor: the first method called does that, so that a config
 * can be built and printed anywhere. Methods may throw or reject: the Visualizer reports it and training goes on.
 */
export interface VisBackend {
  /** The tracker's own object behind this backend, when it has one. */
  readonly experiment?: unknown;
  addConfig?(config: ConfigContent): void | Promise<void>;
  addGraph?(model: unknown, dataBatch: unknown): void | Promise<void>;
  /** @param image uint8, [H, W, 1 | 3 | 4] or [H, W], RGB */
  addImage?(name: string, image: HostArray, step: number): void | Promise<void>;
  addScalar?(name: string, value: ScalarValue, step: number): void | Promise<void>;
  /** Must not change `scalars`. */
  addScalars(scalars: Readonly<Record<string, unknown>>, options: AddScalarsOptions): void | Promise<void>;
  /** Hands over what waits in memory. */
  flush?(): void | Promise<void>;
  /** Flushes and gives everything back; a later call opens again. */
  close?(): void | Promise<void>;
}
