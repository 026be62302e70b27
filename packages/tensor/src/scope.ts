import { EngineError } from '@engine/core';

import { tf } from './tf.js';
import type { Tensor } from './tf.js';
import { tensorsIn } from './tree.js';

/**
 * Runs a synchronous function and disposes every tensor it made, except those it returns (anywhere in plain objects
 * and arrays) and those marked with `tf.keep`. Variables are never disposed. Unlike `tf.tidy` it does not search
 * typed arrays and other objects in the result.
 * @throws E_SCOPE_ASYNC when the function returns a promise
 */
export function scope<T>(fn: () => T): T {
  const engine = tf.engine();
  let returned: Tensor[] = [];
  engine.startScope('scope');
  try {
    const result = fn();
    if (result instanceof Promise) {
      throw new EngineError({
        code: 'E_SCOPE_ASYNC',
        what: 'The function given to scope() returned a promise, so its tensors cannot be told from others.',
        fix: 'use scopeAsync',
      });
    }
    returned = tensorsIn(result);
    return result;
  } finally {
    engine.endScope(returned);
  }
}

/**
 * {@link scope} for an asynchronous function. Tensors made while it waits are counted as its own, whoever makes them:
 * code that runs meanwhile and wants to keep a tensor marks it with `tf.keep`.
 */
export async function scopeAsync<T>(fn: () => Promise<T>): Promise<T> {
  const engine = tf.engine();
  engine.startScope('scopeAsync');
  const mine = engine.state.activeScope;
  let result: T | undefined;
  try {
    result = await fn();
    return result;
  } finally {
    const { state } = engine;
    const returned = new Set(tensorsIn(result));
    // Another asynchronous scope may have opened meanwhile and still be running, so ours need not be on top.
    const index = state.scopeStack.indexOf(mine);
    if (index >= 0) state.scopeStack.splice(index, 1);
    state.activeScope = state.scopeStack[state.scopeStack.length - 1] ?? (null as unknown as typeof mine);
    for (const tensor of mine.track) {
      if (tensor.kept || tensor.isDisposed) continue;
      if (!returned.has(tensor)) tensor.dispose();
      else if (state.activeScope) {
        tensor.scopeId = state.activeScope.id;
        state.activeScope.track.push(tensor);
      }
    }
  }
}

/** How much tensor memory a function left behind. */
export interface LeakCount {
  tensors: number;
  bytes: number;
}

/** Runs `fn` and counts the tensors (and bytes) that exist after it and did not before; negative when it freed some. */
export function leakCount(fn: () => Promise<void>): Promise<LeakCount>;
export function leakCount(fn: () => void): LeakCount;
export function leakCount(fn: () => void | Promise<void>): LeakCount | Promise<LeakCount> {
  const before = tf.memory();
  const count = (): LeakCount => {
    const after = tf.memory();
    return { tensors: after.numTensors - before.numTensors, bytes: after.numBytes - before.numBytes };
  };
  const done = fn();
  return done instanceof Promise ? done.then(count) : count();
}

export interface ExpectNoLeakOptions {
  /** Bytes that may remain; 0 unless said. */
  bytes?: number;
}

/**
 * Runs `fn` and throws when tensors remain that did not exist before.
 * @throws E_TENSOR_LEAK with the number of tensors and bytes
 */
export function expectNoLeak(fn: () => Promise<void>, options?: ExpectNoLeakOptions): Promise<void>;
export function expectNoLeak(fn: () => void, options?: ExpectNoLeakOptions): void;
export function expectNoLeak(
  fn: () => void | Promise<void>,
  options: ExpectNoLeakOptions = {},
): void | Promise<void> {
  const check = ({ tensors, bytes }: LeakCount): void => {
    if (tensors <= 0 && bytes <= (options.bytes ?? 0)) return;
    throw new EngineError({
      code: 'E_TENSOR_LEAK',
      what: `${tensors} tensor${tensors === 1 ? '' : 's'} (${bytes} bytes) remained after the function ended.`,
      expected: 'every tensor made outside a scope is disposed by whoever made it',
      fix: 'wrap the work in scope(), or dispose what it makes',
    });
  };
  const count = leakCount(fn as () => void) as LeakCount | Promise<LeakCount>;
  return count instanceof Promise ? count.then(check) : check(count);
}
