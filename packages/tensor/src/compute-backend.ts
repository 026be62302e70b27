/** What `probe` found out, without activating anything. */
export interface ProbeResult {
  available: boolean;
  /** Why it cannot run here, in one sentence. */
  reason?: string;
  /** A command or an imperative that would make it available. */
  fix?: string;
  /** What it would run on, e.g. `2 threads, SIMD`. */
  details?: string;
}

/** What an activated backend can do. */
export interface BackendCapabilities {
  /** Dtypes that autocast may use; empty when there is no autocast. */
  autocast: readonly string[];
  /** Whether `memory` reports bytes in use on the device. */
  memoryStats: boolean;
  /** Whether the same seed, machine and thread count give the same bits. */
  deterministic: boolean;
}

/** Where the kernels of a backend run. */
export interface KernelReport {
  /** Names of kernels that the backend has versions of its own of. */
  own: readonly string[];
  /** Names of kernels that it hands to a slower backend. */
  fallback: readonly string[];
  /** How often each of the latter ran in this process. */
  counts: Readonly<Record<string, number>>;
}

/**
 * One way to run tfjs kernels. A plugin registers a class in `BACKENDS`; its `type` name is the device name that a
 * config gives (`device: 'wasm'`), with an optional part after a colon (`torch:cuda:1`).
 */
export interface ComputeBackend {
  /** Name in `BACKENDS` and prefix of device strings. */
  readonly name: string;
  /** Rank in `device: 'auto'`: the available backend with the highest number wins. wasm 10, cpu 0, native ones above. */
  readonly priority: number;
  /** Name under which its kernels stand in tfjs (`tf.getBackend()`). */
  readonly tfjsName: string;
  probe(): Promise<ProbeResult>;
  /** Makes it tfjs's current backend. `device` is the part after the first colon. */
  activate(device?: string): Promise<void>;
  capabilities(): BackendCapabilities;
  /** Bytes in use and the peak since the last call, when `memoryStats`. */
  memory?(): { bytes: number; peakBytes: number };
  /**
   * Asks for the same bits from the same seed, machine and number of threads, or stops asking. Left out by a backend
   * that always gives them, or never.
   */
  setDeterministic?(on: boolean): void;
  /** Which kernels run where, for a backend that hands some to another. */
  kernels?(): KernelReport;
  /** Ends threads and the like; the backend may be activated again. */
  shutdown?(): Promise<void>;
}
