import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { tf } from '@engine/tensor';
import { ENGINE_VERSION } from './version.js';

/** Facts about the machine and the software, for logs, bug reports and `engine env`. */
export function collectEnv(): Record<string, string> {
  return {
    platform: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    engine: ENGINE_VERSION,
    'tfjs-core': tf.version_core,
    backend: tf.getBackend() ?? 'none',
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    'cpu threads': String(availableParallelism()),
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    git: gitHash(),
  };
}

/** Commit of the current directory; `unknown` outside a repository. */
function gitHash(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { stdio: ['ignore', 'pipe', 'ignore'], timeout: 2000 })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

/** The framed block at the start of a log. */
export function describeEnv(env: Record<string, string>, runtime: Record<string, unknown>): string {
  const frame = '-'.repeat(60);
  const rows = (facts: Record<string, unknown>): string =>
    Object.entries(facts)
      .map(([key, value]) => `    ${key}: ${String(value)}`)
      .join('\n');
  return `\n${frame}\nSystem environment:\n${rows(env)}\n\nRuntime environment:\n${rows(runtime)}\n${frame}\n`;
}
