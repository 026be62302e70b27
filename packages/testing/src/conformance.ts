import { describe, it } from 'vitest';

/** One thing that every part of a kind must do. */
export interface ConformanceCheck {
  title: string;
  /** Throws, or rejects, when the part does not do it. */
  run(): void | Promise<void>;
}

/** Makes a test of every check, under one heading. */
export function describeChecks(heading: string, checks: readonly ConformanceCheck[]): void {
  describe(heading, () => {
    for (const { title, run } of checks) it(title, run);
  });
}

/**
 * Runs checks outside a test runner's own tests, for tests of a suite: a broken part must fail one of them.
 * @returns titles of the checks that failed
 */
export async function failedChecks(checks: readonly ConformanceCheck[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { title, run } of checks) {
    try {
      await run();
    } catch {
      failed.push(title);
    }
  }
  return failed;
}
