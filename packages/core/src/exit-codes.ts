/** Exit codes of the `engine` command. */
export const EXIT_CODES = {
  /** The run ended as asked. */
  ok: 0,
  /** Anything not named below. */
  failure: 1,
  /** The config, a flag or an input file is wrong; nothing was started. */
  badConfig: 2,
  /** The loss or a gradient became NaN or infinite. */
  notFinite: 3,
  /** Stopped by SIGINT or SIGTERM (or a time limit) after saving a checkpoint: run again with --resume. */
  preempted: 75,
  /** A second SIGINT: stopped at once, nothing saved. */
  interrupted: 130,
  /** A second SIGTERM: stopped at once, nothing saved. */
  terminated: 143,
} as const;
