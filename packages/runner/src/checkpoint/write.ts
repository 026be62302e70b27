import type { HostArray } from '@engine/core';
import { writeDirectoryAtomically, writeSafetensors, type FileSystem } from '@engine/fileio';
import type { CheckpointContent } from './content.js';

/** Names of the files in a checkpoint folder. */
export const FILES = {
  model: 'model.safetensors',
  optim: 'optim.safetensors',
  state: 'state.json',
  data: 'data.json',
  random: 'rng.json',
} as const;

/** Safetensors metadata that tells other tools what these weights are. */
const METADATA = { format: 'pt', producer: '@engine/runner' };

/**
 * Writes a checkpoint folder: all of it or nothing, checksummed, replacing a folder of that name.
 * @throws E_IO_… naming the path and the bytes needed; what was there before is untouched
 */
export async function writeCheckpoint(
  folder: string,
  content: CheckpointContent,
  options: { fs?: FileSystem | undefined } = {},
): Promise<void> {
  const files = new Map<string, string | Uint8Array[]>();
  const tensors = (name: string, group: Record<string, HostArray>): void => {
    files.set(name, writeSafetensors(group, METADATA));
  };
  tensors(FILES.model, content.model);
  if (content.optimWrapper) tensors(FILES.optim, content.optimWrapper.tensors);
  for (const [name, group] of Object.entries(content.extra ?? {})) tensors(`${name}.safetensors`, group);
  files.set(
    FILES.state,
    json({
      meta: content.meta,
      optimWrapper: content.optimWrapper?.json,
      paramSchedulers: content.paramSchedulers,
      messageHub: content.messageHub,
      hooks: content.hooks,
      store: content.store,
      extra: Object.keys(content.extra ?? {}),
    }),
  );
  if (content.loop)
    files.set(FILES.data, json({ seed: content.meta.seed, position: content.loop, ...content.data }));
  if (content.random) files.set(FILES.random, json(content.random));
  const bytes = [...files.values()].reduce((sum, file) => sum + sizeOfFile(file), 0);
  await writeDirectoryAtomically(
    folder,
    async (dir) => {
      for (const [name, file] of files) await dir.write(name, file);
    },
    { bytes, fs: options.fs },
  );
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

function sizeOfFile(file: string | Uint8Array[]): number {
  return typeof file === 'string'
    ? Buffer.byteLength(file)
    : file.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}
