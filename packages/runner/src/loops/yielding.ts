/** Longest time, in milliseconds, that a loop may hold the event loop. */
const SLICE = 20;

/**
 * Lets timers, signals and worker messages through now and then. A loop whose data and hooks are all synchronous would
 * otherwise run in one endless microtask, deaf to Ctrl-C.
 */
export class Breather {
  private last = performance.now();

  /** A promise when it is time to give way, else undefined. */
  due(): Promise<void> | undefined {
    const now = performance.now();
    if (now - this.last < SLICE) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.last = performance.now();
        resolve();
      });
    });
  }
}
