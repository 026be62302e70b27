import { spawn } from 'node:child_process';
import { root } from './root.mjs';

/** Ends a script with a message instead of a stack trace. */
export class ScriptError extends Error {}

/**
 * Runs a command and waits for it. Its input is closed: nothing in here may wait for a keyboard.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, capture?: boolean }} [options] `capture` keeps the
 *   output instead of showing it
 * @returns {Promise<{ code: number, output: string }>} a command that cannot be started has the code 127
 */
export function run(command, args, { cwd = root, env = {}, capture = false } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit'],
      shell: process.platform === 'win32' && command === 'npm',
    });
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), output }));
  });
}

/** Runs the body of a script: an error becomes one message and exit code 1. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    console.error(error instanceof ScriptError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

/** Seconds since `start` (of `performance.now()`), for a message. */
export function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)}s`;
}
