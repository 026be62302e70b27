import type { HostArray } from '@engine/core';
import { writeDirectoryAtomically, type FileSystem, type WrittenFile } from '@engine/fileio';
import type { CheckpointContent } from './content.js';
import { tensorFileBytes, writeTensorFile, type TensorFile } from './tensor-file.js';

/** Names of the files in a checkpoint folder. */
export const FILES = {
  model: 'model.safetensors',
  optim: 'optim.safetensors',
  state: 'state.json',
  data: 'data.json',
  random: 'rng.json',
  hub: 'hub.json',
} as const;

export interface WriteCheckpointOptions {
  fs?: FileSystem | undefined;
  /** Writes files of tensors elsewhere, beside the one that is written here: another thread. */
  helper?: { writeFile(path: string, file: TensorFile): Promise<WrittenFile> } | undefined;
}

/**
 * Writes a checkpoint folder: all of it or nothing, checksummed, replacing a folder of that name.
 * @throws E_IO_… naming the path and the bytes needed; what was there before is untouched
 */
export async function writeCheckpoint(
  folder: string,
  content: CheckpointContent,
  options: WriteCheckpointOptions = {},
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
  for (const file of tensorFiles.values()) bytes += tensorFileBytes(file);
  const { fs, helper } = options;
  await writeDirectoryAtomically(
    folder,
    async (dir) => {
      const writeDocuments = async (): Promise<void> => {
        for (const [name, text] of documents) await dir.write(name, text);
      };
      if (!helper) {
        for (const [name, file] of tensorFiles)
          await dir.add(name, (path) => writeTensorFile(path, file, fs));
        return writeDocuments();
      }
      const lanes: [string, TensorFile][][] = [[], []];
      [...tensorFiles].forEach((entry, i) => lanes[i % 2]!.push(entry));
      const work = [
        writeDocuments(),
        ...lanes.map(async (lane, i) => {
          const write = i === 0 ? writeTensorFile : helper.writeFile.bind(helper);
          for (const [name, file] of lane) await dir.add(name, (path) => write(path, file));
        }),
      ];
      // The folder is removed after a failure, so nobody may still be writing into it.
      await Promise.allSettled(work);
      await Promise.all(work);
    },
    { bytes, fs },
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
