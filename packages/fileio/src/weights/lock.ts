import * as fs from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../http/retry.js';
import { errnoOf } from '../io-error.js';

/** A lock is renewed so often; one that has not been for STALE was left by a process that died. */
const RENEW = 5_000;
const STALE = 30_000;
const POLL = 100;

/**
 * Runs `work` while holding a lock file, which other processes wait for. The lock of a process that died is taken over:
 * at once on the same machine, after 30 s when it was held on another one.
 * @throws E_IO_ABORTED
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const own = `${process.pid} ${process.env['HOSTNAME'] ?? ''}`;
  while (!(await create(path, own))) {
    throwIfAborted(signal, `Waiting for '${path}'`);
    if (await abandoned(path)) await fs.rm(path, { force: true });
    else await sleep(POLL);
  }
  const renewal = setInterval(() => {
    const now = new Date();
    void fs.utimes(path, now, now).catch(() => undefined);
  }, RENEW);
  renewal.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await fs.rm(path, { force: true });
  }
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    await fs.writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function abandoned(path: string): Promise<boolean> {
  try {
    const [stat, content] = await Promise.all([fs.stat(path), fs.readFile(path, 'utf8')]);
    if (Date.now() - stat.mtimeMs > STALE) return true;
    const [pid, host] = content.split(' ');
    return content !== '' && host === (process.env['HOSTNAME'] ?? '') && !alive(Number(pid));
  } catch {
    // It has just been released.
    return false;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
