import { EngineError, type HostArray } from '@engine/core';
import { readSafetensors, verifyDirectory } from '@engine/fileio';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoopPosition } from '../loops/loop.js';
import type { CheckpointContent, CheckpointMeta } from './content.js';
import type { StoreState } from './store.js';
import { FILES } from './write.js';

interface StateFile {
  meta: CheckpointMeta;
  optimWrapper?: unknown;
  paramSchedulers?: unknown[];
  messageHub?: unknown;
  hooks?: Record<string, unknown>;
  store?: StoreState;
  extra?: string[];
}

/** True for a folder that looks like a checkpoint, whole or not. */
export function isCheckpointFolder(path: string): boolean {
  return existsSync(join(path, FILES.state)) || existsSync(join(path, FILES.model));
}

/** The description of a checkpoint without its tensors; undefined when it cannot be read. */
export async function readMeta(folder: string): Promise<CheckpointMeta | undefined> {
  try {
    return (JSON.parse(await readFile(join(folder, FILES.state), 'utf8')) as StateFile).meta;
  } catch {
    return undefined;
  }
}

/**
 * Reads a checkpoint folder after checking every file against its checksum.
 * @throws E_CHECKPOINT_MISSING when there is no such folder
 * @throws E_CHECKPOINT_CORRUPT naming each file that is missing, cut short or changed
 * @throws E_CHECKPOINT_FORMAT when a newer engine wrote it
 */
export async function readCheckpoint(folder: string): Promise<CheckpointContent> {
  if (!existsSync(folder)) {
    throw new EngineError({
      code: 'E_CHECKPOINT_MISSING',
      what: 'There is no checkpoint at the path given.',
      received: `'${folder}'`,
      expected:
        'a checkpoint folder such as work_dirs/name/20260101_120000/checkpoints/step_000500, or a .safetensors file',
      exitCode: 2,
    });
  }
  if (statSync(folder).isFile()) return { meta: weightsMeta(), model: await readTensors(folder) };
  const problems = await verifyDirectory(folder);
  if (problems.length > 0) {
    throw new EngineError({
      code: 'E_CHECKPOINT_CORRUPT',
      what: `The checkpoint '${folder}' is not whole and was not loaded.`,
      received: problems.join('; '),
      expected: 'files with the sizes and checksums that its COMMIT file lists',
      fix: 'resume from another checkpoint: `--resume` without a path takes the newest whole one',
    });
  }
  const state = JSON.parse(await readFile(join(folder, FILES.state), 'utf8')) as StateFile;
  if (state.meta.format !== 1) {
    throw new EngineError({
      code: 'E_CHECKPOINT_FORMAT',
      what: `The checkpoint '${folder}' has a layout that this engine does not know.`,
      received: `format ${String(state.meta.format)}, written by version ${state.meta.engineVersion}`,
      expected: 'format 1',
      fix: 'upgrade @engine/runner',
    });
  }
  const content: CheckpointContent = {
    meta: state.meta,
    model: await readTensors(join(folder, FILES.model)),
  };
  if (existsSync(join(folder, FILES.optim))) {
    content.optimWrapper = {
      tensors: await readTensors(join(folder, FILES.optim)),
      json: state.optimWrapper,
    };
  }
  if (state.paramSchedulers) content.paramSchedulers = state.paramSchedulers;
  if (state.messageHub !== undefined) content.messageHub = state.messageHub;
  if (state.hooks) content.hooks = state.hooks;
  if (state.store) content.store = state.store;
  const data = await readJson<{ position: LoopPosition; samples?: number; batchSize?: number }>(
    join(folder, FILES.data),
  );
  if (data) {
    content.loop = data.position;
    if (data.samples !== undefined) content.data = { samples: data.samples, batchSize: data.batchSize };
  }
  const random = await readJson<Record<string, unknown>>(join(folder, FILES.random));
  if (random) content.random = random;
  if (state.extra && state.extra.length > 0) {
    content.extra = {};
    for (const name of state.extra)
      content.extra[name] = await readTensors(join(folder, `${name}.safetensors`));
  }
  return content;
}

async function readTensors(file: string): Promise<Record<string, HostArray>> {
  try {
    return readSafetensors(bytesOf(await readFile(file))).tensors;
  } catch (cause) {
    throw new EngineError({
      code: 'E_CHECKPOINT_CORRUPT',
      what: `The weights in '${file}' cannot be read.`,
      received: cause instanceof Error ? cause.message.split('\n')[0] : String(cause),
      expected: 'a safetensors file',
      cause,
    });
  }
}

/** A Buffer as the plain bytes it is. */
function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}

async function readJson<T>(file: string): Promise<T | undefined> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as T) : undefined;
}

/** A bare weights file says nothing of the run it came from. */
function weightsMeta(): CheckpointMeta {
  return {
    format: 1,
    epoch: 0,
    iter: 0,
    seed: 0,
    experimentName: '',
    time: 0,
    engineVersion: '',
    backend: '',
  };
}
