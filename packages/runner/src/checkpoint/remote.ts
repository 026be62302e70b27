import { EngineError } from '@engine/core';
import { getFileBackend, joinPath, MANIFEST_NAME, readVerified, type StorageBackend } from '@engine/fileio';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckpointContent } from './content.js';
import { contentOf, weightsMeta, weightsOf, type ReadOptions } from './read.js';
import { FILES } from './write.js';

/** A file of weights alone. */
const WEIGHTS_FILE = /\.(safetensors|pth|pt|bin|npz)$/;

/** The checkpoints that a path on another storage means, newest first: one, or all that a home holds. */
export async function remoteCandidates(path: string): Promise<string[]> {
  const storage = getFileBackend(path, {}, true);
  const clean = path.replace(/\/+$/, '');
  // A storage that cannot list, such as http, can only be asked for a file.
  if (WEIGHTS_FILE.test(clean)) return [clean];
  if (await storage.isfile(joinPath(clean, MANIFEST_NAME))) return [clean];
  if (await storage.isfile(joinPath(clean, FILES.model))) return [clean];
  return allBelow(storage, clean);
}

async function allBelow(storage: StorageBackend, home: string): Promise<string[]> {
  const found: { folder: string; time: number; iter: number }[] = [];
  if (!(await storage.isdir(home))) return [];
  for await (const file of storage.listDirOrFile(home, { recursive: true, listDir: false })) {
    if (!file.endsWith(`/${MANIFEST_NAME}`)) continue;
    const folder = joinPath(home, file.slice(0, -MANIFEST_NAME.length - 1));
    let meta: { time?: number; iter?: number } = {};
    try {
      const text = await storage.getText(joinPath(folder, FILES.state));
      meta = (JSON.parse(text) as { meta: typeof meta }).meta;
    } catch {
      // Reading it as a whole says what is wrong with it.
    }
    found.push({ folder, time: meta.time ?? 0, iter: meta.iter ?? 0 });
  }
  found.sort((a, b) => b.time - a.time || b.iter - a.iter);
  return found.map(({ folder }) => folder);
}

/**
 * Reads a checkpoint folder or a weights file from another storage, through a temporary folder on this machine.
 * @throws E_CHECKPOINT_CORRUPT, E_CHECKPOINT_FORMAT, E_CHECKPOINT_FOREIGN, E_IO_…
 */
export async function readRemote(path: string, options: ReadOptions = {}): Promise<CheckpointContent> {
  const storage = getFileBackend(path, {}, true);
  if (WEIGHTS_FILE.test(path))
    return { meta: weightsMeta(), model: weightsOf(path, await storage.get(path)) };
  const commit = joinPath(path, MANIFEST_NAME);
  if (!(await storage.isfile(commit))) {
    const file = joinPath(path, FILES.model);
    return { meta: weightsMeta(), model: weightsOf(file, await storage.get(file)) };
  }
  const names = manifestNames(path, await storage.getText(commit));
  const folder = await mkdtemp(join(tmpdir(), 'engine-checkpoint-'));
  try {
    for (const name of [...names, MANIFEST_NAME]) {
      const file = joinPath(path, name);
      if (await storage.isfile(file)) await storage.copyfileToLocal(file, join(folder, name));
    }
    const { files, problems } = await readVerified(folder);
    if (problems.length > 0) throw notWhole(path, problems.join('; '));
    return contentOf(path, files, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Names of a manifest's files; one that would leave the folder is refused. */
function manifestNames(path: string, text: string): string[] {
  let files: unknown;
  try {
    ({ files } = JSON.parse(text) as { files?: unknown });
  } catch {
    throw notWhole(path, `${MANIFEST_NAME} is not JSON`);
  }
  const names = Object.keys((files ?? {}) as object);
  if (names.some((name) => name.startsWith('/') || name.split(/[/\\]/).includes('..')))
    throw notWhole(path, `${MANIFEST_NAME} has a bad entry`);
  return names;
}

function notWhole(path: string, received: string): EngineError {
  return new EngineError({
    code: 'E_CHECKPOINT_CORRUPT',
    what: `The checkpoint '${path}' is not whole and was not loaded.`,
    received,
    expected: 'files with the sizes and checksums that its COMMIT file lists',
    fix: 'resume from another checkpoint',
  });
}
