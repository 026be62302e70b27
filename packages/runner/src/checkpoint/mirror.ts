import { getFileBackend, joinPath, MANIFEST_NAME, readManifest, type StorageBackend } from '@engine/fileio';
import { join } from 'node:path';

/**
 * A second place for checkpoints, on any storage that paths can name. Files are copied with `COMMIT` last, and removed
 * with `COMMIT` first, so that a copy cut short is never taken for a whole one.
 */
export class CheckpointMirror {
  private readonly storage: StorageBackend;

  /** @param home where the copies go, such as `s3://bucket/runs/cifar`; paths below it are those below the work dir */
  constructor(readonly home: string) {
    this.storage = getFileBackend(home, {}, true);
  }

  /** Copies a checkpoint folder and notes it as the last one. @throws what the storage throws */
  async add(folder: string, name: string): Promise<void> {
    const target = joinPath(this.home, name);
    await this.uncommit(target);
    const manifest = await readManifest(folder);
    for (const file of [...Object.keys(manifest?.files ?? {}), MANIFEST_NAME])
      await this.storage.copyfileFromLocal(join(folder, file), joinPath(target, file));
    await this.storage.putText(name, joinPath(this.home, 'last_checkpoint'));
  }

  /** Removes a copy; nothing happens when there is none. */
  async remove(name: string): Promise<void> {
    const target = joinPath(this.home, name);
    await this.uncommit(target);
    if (await this.storage.isdir(target)) await this.storage.rmtree(target);
  }

  private async uncommit(target: string): Promise<void> {
    const commit = joinPath(target, MANIFEST_NAME);
    if (await this.storage.isfile(commit)) await this.storage.remove(commit);
  }
}
