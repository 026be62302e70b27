import { EngineError, isEngineError, type Logger } from '@engine/core';
import { atomicWrite, cleanStaleTemps } from '@engine/fileio';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { CheckpointContent } from './content.js';
import { isCheckpointFolder, readCheckpoint, readMeta } from './read.js';

const POINTER = 'last_checkpoint';

/** Notes, relative to the work dir so that it can be moved, which checkpoint was written last. */
export async function writeLastCheckpoint(workDir: string, folder: string): Promise<void> {
  await atomicWrite(join(workDir, POINTER), relative(workDir, folder));
}

/** The checkpoint written last in a work dir, if it is still there. */
export async function findLatestCheckpoint(workDir: string): Promise<string | undefined> {
  try {
    const folder = resolve(workDir, (await readFile(join(workDir, POINTER), 'utf8')).trim());
    return existsSync(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Every checkpoint of every launch below a work dir (or of one launch), newest first. */
async function listCheckpoints(dir: string): Promise<string[]> {
  const homes = [join(dir, 'checkpoints'), dir];
  for (const entry of await entries(dir)) homes.push(join(dir, entry, 'checkpoints'));
  const found: { folder: string; time: number; iter: number }[] = [];
  for (const home of homes) {
    for (const entry of await entries(home)) {
      const folder = join(home, entry);
      if (!isCheckpointFolder(folder)) continue;
      const meta = await readMeta(folder);
      found.push({ folder, time: meta?.time ?? 0, iter: meta?.iter ?? 0 });
    }
  }
  found.sort((a, b) => b.time - a.time || b.iter - a.iter);
  return found.map(({ folder }) => folder);
}

/** Real folders in `dir`; the links last, best_… and latest only repeat them. */
async function entries(dir: string): Promise<string[]> {
  try {
    const all = await readdir(dir, { withFileTypes: true });
    return all
      .filter((entry) => entry.isDirectory() && !entry.name.includes('.tmp-'))
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

export interface FoundCheckpoint {
  folder: string;
  content: CheckpointContent;
}

/**
 * The newest whole checkpoint below a work dir. One that fails its checksums is skipped with a warning.
 * @returns undefined when there has never been one
 * @throws E_CHECKPOINT_CORRUPT when there are some but none is whole
 */
export async function newestWhole(dir: string, logger: Logger): Promise<FoundCheckpoint | undefined> {
  for (const entry of await entries(dir)) await cleanStaleTemps(join(dir, entry, 'checkpoints'));
  const pointed = await findLatestCheckpoint(dir);
  const others = await listCheckpoints(dir);
  const candidates = pointed ? [pointed, ...others.filter((folder) => folder !== pointed)] : others;
  let firstError: unknown;
  for (const folder of candidates) {
    try {
      const content = await readCheckpoint(folder);
      if (!content.loop) continue;
      if (firstError !== undefined) logger.warn(`Falling back to the newest whole checkpoint ${folder}.`);
      return { folder, content };
    } catch (error) {
      if (!isEngineError(error)) throw error;
      firstError ??= error;
      logger.warn(error.message);
    }
  }
  if (firstError !== undefined) {
    throw new EngineError({
      code: 'E_CHECKPOINT_CORRUPT',
      what: `No checkpoint below '${dir}' is whole.`,
      received: `${candidates.length} checkpoint(s), each with a problem named above`,
      expected: 'at least one whole checkpoint',
      fix: 'start again without --resume, or restore a checkpoint from a backup',
      cause: firstError,
    });
  }
  return undefined;
}

/**
 * The checkpoint a path means: a checkpoint folder or weights file itself, or the newest whole one of a work dir or of
 * one launch.
 * @throws E_CHECKPOINT_MISSING when there is none
 */
export async function openCheckpoint(path: string, logger: Logger): Promise<FoundCheckpoint> {
  const folder = resolve(path);
  const isHome = existsSync(folder) && !isCheckpointFolder(folder) && !folder.endsWith('.safetensors');
  if (!isHome) return { folder, content: await readCheckpoint(folder) };
  const found = await newestWhole(folder, logger);
  if (!found) {
    throw new EngineError({
      code: 'E_CHECKPOINT_MISSING',
      what: `There is no checkpoint below '${folder}'.`,
      received: `'${path}'`,
      expected: 'a checkpoint folder, a work dir with checkpoints, or a .safetensors file',
      exitCode: 2,
    });
  }
  return found;
}
