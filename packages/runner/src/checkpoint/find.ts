import { EngineError, isEngineError, type Logger } from '@engine/core';
import { atomicWrite, cleanStaleTemps, localWeights } from '@engine/fileio';
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { CheckpointContent } from './content.js';
import { isCheckpointFolder, readCheckpoint, readMeta, type ReadOptions } from './read.js';
import { readRemote, remoteCandidates } from './remote.js';

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
  // A crash may also have fallen on the pointer or the link in the work dir itself.
  await cleanStaleTemps(dir);
  for (const entry of await entries(dir)) await cleanStaleTemps(join(dir, entry, 'checkpoints'));
  const pointed = await findLatestCheckpoint(dir);
  const others = await listCheckpoints(dir);
  const candidates = pointed ? [pointed, ...others.filter((folder) => folder !== pointed)] : others;
  return firstWhole(candidates, dir, logger, readCheckpoint);
}

/** The first of `candidates` that can be read and resumed. */
async function firstWhole(
  candidates: readonly string[],
  home: string,
  logger: Logger,
  read: (path: string, options: ReadOptions) => Promise<CheckpointContent>,
): Promise<FoundCheckpoint | undefined> {
  let firstError: unknown;
  for (const folder of candidates) {
    try {
      const content = await read(folder, { onMigrated: announceMigrations(folder, logger) });
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
      what: `No checkpoint below '${home}' is whole.`,
      received: `${candidates.length} checkpoint(s), each with a problem named above`,
      expected: 'at least one whole checkpoint',
      fix: 'start again without --resume, or restore a checkpoint from a backup',
      cause: firstError,
    });
  }
  return undefined;
}

/** Says which steps brought an older checkpoint up to date. */
export function announceMigrations(
  folder: string,
  logger: Pick<Logger, 'info'>,
): NonNullable<ReadOptions['onMigrated']> {
  return (names, format) =>
    logger.info(`The checkpoint ${folder} of format ${format} was migrated: ${names.join(', ')}.`);
}

/**
 * The checkpoint a path means: a checkpoint folder or weights file itself, or the newest whole one of a work dir or of
 * one launch. A path on another storage (`memory://…`, by prefix) means the same there;
 * weights at `https://`, `package::path` and registered schemes are fetched.
 * @throws E_CHECKPOINT_MISSING when there is none
 */
export async function openCheckpoint(path: string, logger: Logger): Promise<FoundCheckpoint> {
  const local = await localWeights(path);
  if (local === undefined) return openRemote(path, logger);
  const folder = resolve(local);
  const isHome = existsSync(folder) && statSync(folder).isDirectory() && !isCheckpointFolder(folder);
  if (!isHome) {
    const content = await readCheckpoint(folder, { onMigrated: announceMigrations(folder, logger) });
    return { folder, content };
  }
  const found = await newestWhole(folder, logger);
  if (!found) throw nothingBelow(folder, path);
  return found;
}

async function openRemote(path: string, logger: Logger): Promise<FoundCheckpoint> {
  const candidates = await remoteCandidates(path);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) {
    const content = await readRemote(only, { onMigrated: announceMigrations(only, logger) });
    return { folder: only, content };
  }
  const found = await firstWhole(candidates, path, logger, readRemote);
  if (!found) throw nothingBelow(path, path);
  return found;
}

function nothingBelow(folder: string, path: string): EngineError {
  return new EngineError({
    code: 'E_CHECKPOINT_MISSING',
    what: `There is no checkpoint below '${folder}'.`,
    received: `'${path}'`,
    expected: 'a checkpoint folder, a work dir with checkpoints, or a .safetensors file',
    exitCode: 2,
  });
}
