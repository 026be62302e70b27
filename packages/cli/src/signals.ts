import { EXIT_CODES } from '@engine/core';

/** Something that can be asked to stop after the step in progress. */
export interface Stoppable {
  requestStop(reason: string): void;
}

/** A signal that arrives again this soon, in milliseconds, is the same one: a terminal sends it to npm and to us. */
const ECHO = 300;

/**
 * Turns Ctrl-C and SIGTERM into a wish to stop. The first signal lets the step finish and the run save; a second one
 * ends the process at once.
 * @returns a function that takes the handlers away
 */
export function stopOnSignals(run: Stoppable): () => void {
  let askedAt: number | undefined;
  const handle = (signal: 'SIGINT' | 'SIGTERM'): void => {
    const now = performance.now();
    if (askedAt !== undefined) {
      if (now - askedAt < ECHO) return;
      process.exit(signal === 'SIGINT' ? EXIT_CODES.interrupted : EXIT_CODES.terminated);
    }
    askedAt = now;
    process.stderr.write(
      `${signal}: finishing the step and saving; once more stops at once without saving.\n`,
    );
    run.requestStop(signal);
  };
  const onInterrupt = (): void => handle('SIGINT');
  const onTerminate = (): void => handle('SIGTERM');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return () => {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
  };
}
