import { reverseAxes, type HostArray, type HostData } from '@engine/core';
import {
  layoutSafetensors,
  streamSafetensors,
  writeDirectoryAtomically,
  type FileSystem,
} from '@engine/fileio';
import type { CheckpointContent, PendingTurn } from './content.js';

/** Names of the files in a checkpoint folder. */
export const FILES = {
  model: 'model.safetensors',
  optim: 'optim.safetensors',
  state: 'state.json',
  data: 'data.json',
  random: 'rng.json',
  hub: 'hub.json',
} as const;

/** Safetensors metadata that tells other tools what these weights are. */
const METADATA = { format: 'pt', producer: '@engine/runner' };

interface TensorFile {
  group: Record<string, HostArray>;
  turns: Record<string, PendingTurn>;
}

/** A file of tensors in pieces; an array that lies otherwise in memory is turned when its turn comes. */
function stream({ group, turns }: TensorFile): AsyncGenerator<Uint8Array> {
  const read = (name: string): HostData => {
    const turn = turns[name];
    const array = group[name]!;
    return (turn ? reverseAxes(array, turn.axes, turn.shape) : array).data;
  };
  return streamSafetensors(specsOf({ group, turns }), read, METADATA);
}

function specsOf({
  group,
  turns,
}: TensorFile): Record<string, { dtype: HostArray['dtype']; shape: readonly number[] }> {
  return Object.fromEntries(
    Object.entries(group).map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape: turns[name]?.shape ?? shape },
    ]),
  );
}

/**
 * Writes a checkpoint folder: all of it or nothing, checksummed, replacing a folder of that name.
 * @throws E_IO_… naming the path and the bytes needed; what was there before is untouched
 */
export async function writeCheckpoint(
  folder: string,
  content: CheckpointContent,
  options: { fs?: FileSystem | undefined } = {},
): Promise<void> {
  const tensorFiles = new Map<string, TensorFile>();
  const tensors = (file: string, group: Record<string, HostArray>, name: string): void => {
    tensorFiles.set(file, { group, turns: content.turns?.[name] ?? {} });
  };
  tensors(FILES.model, content.model, 'model');
  if (content.optimWrapper) tensors(FILES.optim, content.optimWrapper.tensors, 'optim');
  for (const [name, group] of Object.entries(content.extra ?? {}))
    tensors(`${name}.safetensors`, group, name);
  const documents = documentsOf(content);
  let bytes = 0;
  for (const text of documents.values()) bytes += Buffer.byteLength(text);
  for (const file of tensorFiles.values()) bytes += layoutSafetensors(specsOf(file), METADATA).bytes;
  await writeDirectoryAtomically(
    folder,
    async (dir) => {
      for (const [name, file] of tensorFiles) await dir.write(name, stream(file));
      for (const [name, text] of documents) await dir.write(name, text);
    },
    { bytes, fs: options.fs },
  );
}

/** Everything but tensors, as text by file name. */
function documentsOf(content: CheckpointContent): Map<string, string> {
  const files = new Map<string, string>();
  const state = {
    meta: content.meta,
    optimWrapper: content.optimWrapper?.json,
    paramSchedulers: content.paramSchedulers,
    hooks: content.hooks,
    store: content.store,
    extra: Object.keys(content.extra ?? {}),
  };
  files.set(FILES.state, json(state));
  if (content.loop)
    files.set(FILES.data, json({ seed: content.meta.seed, position: content.loop, ...content.data }));
  if (content.random) files.set(FILES.random, json(content.random));
  // Histories are long lists of numbers: nobody reads them a line each.
  if (content.messageHub !== undefined) files.set(FILES.hub, `${JSON.stringify(content.messageHub)}\n`);
  return files;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}
