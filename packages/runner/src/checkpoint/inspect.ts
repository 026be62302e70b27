import { BYTES_PER_ELEMENT, sizeOf, type HostDType } from '@engine/core';
import {
  MANIFEST_NAME,
  readSafetensorsHeader,
  verifyDirectory,
  type SafetensorsHeader,
} from '@engine/fileio';
import { existsSync, statSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CheckpointMeta } from './content.js';
import { foreignCheckpoint, sniff } from './foreign.js';
import { isCheckpointFolder, readCheckpoint, readMeta } from './read.js';

export interface InspectedTensor {
  name: string;
  dtype: HostDType;
  shape: readonly number[];
  bytes: number;
}

/** One file of a checkpoint. */
export interface InspectedFile {
  name: string;
  bytes: number;
  /** Absent for files that hold none. */
  tensors?: InspectedTensor[];
}

/** What a checkpoint is, without its numbers. */
export interface CheckpointReport {
  path: string;
  /** Absent for weights that no run of this engine wrote. */
  meta?: CheckpointMeta | undefined;
  files: InspectedFile[];
  /** Why it is not whole; an empty list when it is. Files without checksums are taken for whole. */
  problems: string[];
}

/**
 * Describes a checkpoint folder, a foreign folder of safetensors files, or one such file. Tensors are not read; checksums
 * are checked.
 * @throws E_CHECKPOINT_MISSING, E_CHECKPOINT_FOREIGN for a file that is none, E_SAFETENSORS_… for one that is damaged
 */
export async function inspectCheckpoint(path: string): Promise<CheckpointReport> {
  if (!existsSync(path)) await readCheckpoint(path);
  if (statSync(path).isFile()) {
    return { path, files: [await inspectFile(path, basename(path))], problems: [] };
  }
  const names = (await readdir(path)).sort();
  if (!isCheckpointFolder(path) && !names.some((name) => name.endsWith('.safetensors')))
    throw foreignCheckpoint(path, 'a folder without safetensors files');
  const committed = names.includes(MANIFEST_NAME);
  const meta = await readMeta(path);
  const problems = committed || meta ? await verifyDirectory(path) : [];
  const files: InspectedFile[] = [];
  for (const name of names) {
    const file = join(path, name);
    if (!statSync(file).isFile()) continue;
    const damaged = problems.some((problem) => problem.startsWith(`${name} `));
    if (name.endsWith('.safetensors') && !damaged) files.push(await inspectFile(file, name));
    else files.push({ name, bytes: statSync(file).size });
  }
  return { path, meta, files, problems };
}

async function inspectFile(path: string, name: string): Promise<InspectedFile> {
  const bytes = statSync(path).size;
  const { entries } = await headerOf(path, bytes);
  const tensors = [...entries].map(([tensor, { dtype, shape }]) => ({
    name: tensor,
    dtype,
    shape,
    bytes: sizeOf(shape) * BYTES_PER_ELEMENT[dtype],
  }));
  return { name, bytes, tensors: tensors.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** The header of a safetensors file, however large its tensors are. */
async function headerOf(path: string, totalBytes: number): Promise<SafetensorsHeader> {
  const handle = await open(path, 'r');
  try {
    const word = new Uint8Array(8);
    await handle.read(word, 0, 8, 0);
    const kind = sniff(word);
    if (kind) throw foreignCheckpoint(path, kind);
    const length = Number(new DataView(word.buffer).getBigUint64(0, true));
    const head = new Uint8Array(Math.min(totalBytes, 8 + Math.min(length, totalBytes)));
    await handle.read(head, 0, head.byteLength, 0);
    return readSafetensorsHeader(head, { file: path, totalBytes });
  } finally {
    await handle.close();
  }
}
