import type { Logger } from '@engine/core';
import { replaceSymlink, verifyDirectory } from '@engine/fileio';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { RunDirectory } from '../run-directory.js';
import type { CheckpointContent } from './content.js';
import { writeLastCheckpoint } from './find.js';
import { writeCheckpoint } from './write.js';

/** The best checkpoint by one metric. */
export interface BestCheckpoint {
  /** Folder, relative to the work dir. */
  folder: string;
  score: number;
}

/** What the store remembers across a resume. */
export interface StoreState {
  /** Folders of the checkpoints that are kept, oldest first, relative to the work dir. */
  kept: string[];
  best: Record<string, BestCheckpoint>;
}

/** Why a checkpoint is written. */
export interface WritePurpose {
  best: Record<string, number>;
  regular: boolean;
}

/** The checkpoints of a run: writes them, names the last and the best by links, and removes old ones. */
export class CheckpointStore {
  private kept: string[] = [];
  private best: Record<string, BestCheckpoint> = {};
  private readonly links = new Map<string, string>();

  constructor(
    private readonly directory: RunDirectory,
    private readonly logger: Logger,
  ) {}

  /** Folder of the checkpoint of an iteration. */
  folderOf(iter: number): string {
    return join(this.directory.checkpoints, `step_${String(iter).padStart(6, '0')}`);
  }

  bestOf(key: string): BestCheckpoint | undefined {
    return this.best[key];
  }

  get bestCheckpoints(): Readonly<Record<string, BestCheckpoint>> {
    return this.best;
  }

  /**
   * Writes a checkpoint, then points `last` and `last_checkpoint` at it. The content is told which checkpoints will be
   * kept, so that a resumed run knows them.
   * @param purpose `best`: metrics that this checkpoint is the best by, with their scores; `regular`: whether it belongs
   * to the series that {@link prune} counts
   * @throws E_IO_…; nothing that was there before is lost
   */
  async write(
    content: CheckpointContent,
    purpose: WritePurpose = { best: {}, regular: true },
  ): Promise<string> {
    const { best } = purpose;
    const folder = this.folderOf(content.meta.iter);
    const name = this.directory.relative(folder);
    const regular = purpose.regular || this.kept.includes(name);
    const kept = [...this.kept.filter((other) => other !== name), ...(regular ? [name] : [])];
    const merged = { ...this.best };
    for (const [key, score] of Object.entries(best)) merged[key] = { folder: name, score };
    await writeCheckpoint(folder, { ...content, store: { kept, best: merged } });
    this.kept = kept;
    await replaceSymlink(join(this.directory.checkpoints, 'last'), basename(folder));
    await writeLastCheckpoint(this.directory.workDir, folder);
    const outdated = Object.keys(best).map((key) => this.best[key]?.folder);
    this.best = merged;
    // A launch that resumed another's run links to that one's best until it has a better one.
    for (const [key, { folder: bestFolder }] of Object.entries(merged)) {
      const link = join(this.directory.checkpoints, `best_${key.replaceAll('/', '_')}`);
      const target = relative(this.directory.checkpoints, resolve(this.directory.workDir, bestFolder));
      if (this.links.get(link) !== target) await replaceSymlink(link, target);
      this.links.set(link, target);
    }
    for (const old of outdated) if (old !== undefined && old !== name) await this.dropBest(old);
    return folder;
  }

  /** Removes a checkpoint that was kept only for being the best, once it is not any more. */
  private async dropBest(name: string): Promise<void> {
    const needed = this.kept.includes(name) || Object.values(this.best).some(({ folder }) => folder === name);
    if (needed) return;
    await this.remove(name);
    this.logger.info(`The previous best checkpoint ${resolve(this.directory.workDir, name)} is removed`);
  }

  private async remove(name: string): Promise<void> {
    const folder = resolve(this.directory.workDir, name);
    // Only what a store wrote is ever removed.
    if (existsSync(folder) && basename(dirname(folder)) === 'checkpoints') {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * Removes the oldest checkpoints beyond `maxKeep`; the best ones do not count and stay. The newest must verify
   * before anything older goes.
   */
  async prune(maxKeep: number): Promise<void> {
    if (maxKeep <= 0) return;
    const protectedFolders = new Set(Object.values(this.best).map(({ folder }) => folder));
    const regular = this.kept.filter((name) => !protectedFolders.has(name));
    const excess = regular.slice(0, Math.max(0, regular.length - maxKeep));
    if (excess.length === 0) return;
    const newest = resolve(this.directory.workDir, this.kept[this.kept.length - 1]!);
    const problems = await verifyDirectory(newest, { hash: false });
    if (problems.length > 0) {
      this.logger.error(`Older checkpoints are kept, since ${newest} is not whole: ${problems.join('; ')}`);
      return;
    }
    for (const name of excess) {
      await this.remove(name);
      this.kept = this.kept.filter((other) => other !== name);
    }
  }

  stateDict(): StoreState {
    return { kept: [...this.kept], best: structuredClone(this.best) };
  }

  loadStateDict(state: StoreState): void {
    this.kept = state.kept.filter((name) => existsSync(resolve(this.directory.workDir, name)));
    this.best = structuredClone(state.best);
  }
}
