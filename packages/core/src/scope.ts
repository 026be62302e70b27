import { shared } from './shared.js';

const stack = shared<string[]>('scopes', () => []);

/** The scope in which configs are being built right now; undefined outside {@link withScope}. */
export function currentScope(): string | undefined {
  return stack[stack.length - 1];
}

/** Runs a synchronous function with plain type names looked up in `scope` first. Undefined changes nothing. */
export function withScope<R>(scope: string | undefined, run: () => R): R {
  if (scope === undefined) return run();
  stack.push(scope);
  try {
    return run();
  } finally {
    stack.pop();
  }
}
