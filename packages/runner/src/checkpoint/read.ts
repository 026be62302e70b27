import { EngineError, isEngineError, type HostArray } from '@engine/core';
import { MANIFEST_NAME, nodeFileSystem, parseWeights, readSafetensors, readVerified } from '@engine/fileio';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoopPosition } from '../loops/loop.js';
import type { CheckpointContent, CheckpointMeta } from './content.js';
import { foreignCheckpoint, sniff } from './foreign.js';
import { CHECKPOINT_FORMAT, migrateCheckpoint, type CheckpointDocuments } from './migrations.js';
import type { StoreState } from './store.js';
import { FILES } from './write.js';

interface StateFile {
  meta: CheckpointMeta;
  optimWrapper?: unknown;
  paramSchedulers?: unknown[];
  hooks?: Record<string, unknown>;
  store?: StoreState;
  extra?: string[];
}

export interface ReadOptions {
  /** Told the names of the migrations that an older checkpoint went through. */
  onMigrated?: (names: readonly string[], format: number) => void;
}

/** True for a folder that looks like a checkpoint, whole or not. */
export function isCheckpointFolder(path: string): boolean {
  return [FILES.state, FILES.model, MANIFEST_NAME].some((name) => existsSync(join(path, name)));
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
 * Reads a checkpoint folder, checking every file against its checksum and migrating older formats; or weights alone from
 * a safetensors file, or from a foreign folder with a `model.safetensors`.
 * @throws E_CHECKPOINT_MISSING when there is no such folder
 * @throws E_CHECKPOINT_CORRUPT naming each file that is missing, cut short or changed
 * @throws E_CHECKPOINT_FORMAT when a newer engine wrote it
 * @throws E_CHECKPOINT_FOREIGN for files of other programs, such as PyTorch's pickles
 */
export async function readCheckpoint(folder: string, options: ReadOptions = {}): Promise<CheckpointContent> {
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
  if (statSync(folder).isFile()) {
    const bytes = await nodeFileSystem.read(folder);
    return { meta: weightsMeta(), model: weightsOf(folder, bytes) };
  }
  const written = existsSync(join(folder, MANIFEST_NAME)) || existsSync(join(folder, FILES.state));
  if (!written) {
    const file = join(folder, FILES.model);
    if (!existsSync(file))
      throw foreignCheckpoint(folder, `a folder without ${FILES.state} and ${FILES.model}`);
    return { meta: weightsMeta(), model: weightsOf(file, await nodeFileSystem.read(file)) };
  }
  const { files, problems } = await readVerified(folder);
  if (problems.length > 0) throw corrupt(folder, problems.join('; '));
  return contentOf(folder, files, options);
}

/** What the files of a checkpoint say, once they are known to be whole. */
export function contentOf(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  { onMigrated }: ReadOptions = {},
): CheckpointContent {
  const documents = parseDocuments(folder, files);
  const { meta } = documents.state as unknown as StateFile;
  if (typeof meta?.format !== 'number') throw corrupt(folder, `${FILES.state} does not say its format`);
  if (meta.format > CHECKPOINT_FORMAT) {
    throw new EngineError({
      code: 'E_CHECKPOINT_FORMAT',
      what: `The checkpoint '${folder}' has a layout that this engine does not know.`,
      received: `format ${String(meta.format)}, written by version ${meta.engineVersion}`,
      expected: `format ${CHECKPOINT_FORMAT} or lower`,
      fix: 'upgrade @engine/runner',
    });
  }
  const { format } = meta;
  const applied = migrateCheckpoint(documents);
  if (applied.length > 0) onMigrated?.(applied, format);
  return assemble(documents);
}

function parseDocuments(folder: string, files: ReadonlyMap<string, Uint8Array>): CheckpointDocuments {
  const parse = (name: string): unknown => {
    const bytes = files.get(name);
    if (!bytes) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw corrupt(folder, `${name} is not JSON`, cause);
    }
  };
  const state = parse(FILES.state) as CheckpointDocuments['state'] | undefined;
  if (!state || !files.has(FILES.model)) {
    throw corrupt(folder, `its ${MANIFEST_NAME} lists no ${state ? FILES.model : FILES.state}`);
  }
  const tensors: CheckpointDocuments['tensors'] = {};
  for (const [name, bytes] of files) {
    if (name.endsWith('.safetensors'))
      tensors[name.slice(0, -'.safetensors'.length)] = weightsOf(join(folder, name), bytes);
  }
  return {
    state,
    data: parse(FILES.data) as CheckpointDocuments['data'],
    random: parse(FILES.random) as CheckpointDocuments['random'],
    hub: parse(FILES.hub),
    tensors,
  };
}

function assemble({ state, data, random, hub, tensors }: CheckpointDocuments): CheckpointContent {
  const { meta, optimWrapper, paramSchedulers, hooks, store, extra } = state as unknown as StateFile;
  const content: CheckpointContent = { meta, model: tensors['model']! };
  if (tensors['optim']) content.optimWrapper = { tensors: tensors['optim'], json: optimWrapper };
  if (paramSchedulers) content.paramSchedulers = paramSchedulers;
  if (hub !== undefined) content.messageHub = hub;
  if (hooks) content.hooks = hooks;
  if (store) content.store = store;
  if (data) {
    const { position, samples, batchSize } = data as {
      position: LoopPosition;
      samples?: number;
      batchSize?: number;
    };
    content.loop = position;
    if (samples !== undefined) content.data = { samples, batchSize };
  }
  if (random) content.random = random;
  if (extra && extra.length > 0)
    content.extra = Object.fromEntries(extra.map((name) => [name, tensors[name] ?? {}]));
  return content;
}

/** The tensors of a safetensors file, or of one of torch or numpy. @throws E_CHECKPOINT_CORRUPT, E_CHECKPOINT_FOREIGN */
export function weightsOf(file: string, bytes: Uint8Array): Record<string, HostArray> {
  try {
    return readSafetensors(bytes, { file }).tensors;
  } catch (cause) {
    const kind = sniff(bytes);
    if (kind) return foreignWeights(file, bytes, kind);
    throw new EngineError({
      code: 'E_CHECKPOINT_CORRUPT',
      what: `The weights in '${file}' cannot be read.`,
      received: isEngineError(cause) ? cause.parts.what : String(cause),
      expected: 'a safetensors file',
      fix: 'get the file again, or use another checkpoint',
      cause,
    });
  }
}

function foreignWeights(file: string, bytes: Uint8Array, kind: string): Record<string, HostArray> {
  try {
    return parseWeights(bytes, file);
  } catch (cause) {
    const why = isEngineError(cause) ? cause.parts.what : String(cause);
    throw foreignCheckpoint(file, `${kind}. ${why}`);
  }
}

function corrupt(folder: string, received: string, cause?: unknown): EngineError {
  return new EngineError({
    code: 'E_CHECKPOINT_CORRUPT',
    what: `The checkpoint '${folder}' is not whole and was not loaded.`,
    received,
    expected: 'files with the sizes and checksums that its COMMIT file lists',
    fix: 'resume from another checkpoint: `--resume` without a path takes the newest whole one',
    cause,
  });
}

/** A bare weights file says nothing of the run it came from. */
export function weightsMeta(): CheckpointMeta {
  return {
    format: CHECKPOINT_FORMAT,
    epoch: 0,
    iter: 0,
    seed: 0,
    experimentName: '',
    time: 0,
    engineVersion: '',
    backend: '',
  };
}
