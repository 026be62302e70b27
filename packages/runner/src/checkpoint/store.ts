import { EngineError, type Logger } from '@engine/core';
import { joinPath } from '@engine/fileio';
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { RunDirectory } from '../run-directory.js';
import type { CheckpointContent, CheckpointMeta } from './content.js';
import { DEFAULT_TEMPLATE, folderName } from './folder-name.js';
import { directWriter, type FolderStep, type FolderWriter } from './folder-writer.js';
import { CheckpointMirror } from './mirror.js';
import { readMeta } from './read.js';

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

/** Where and under which names a run's checkpoints go. */
export interface StoreOptions {
  /** Names of the folders; `step_{iter:6}`. */
  template?: string | undefined;
  /** What `{}` in the template stands for; iterations. */
  unit?: 'epoch' | 'iter' | undefined;
  /** A second place: everything is copied to `<outDir>/<name of the work dir>/` once it is written here. */
  outDir?: string | undefined;
}

/** The checkpoints of a run: writes them, names the last and the best by links, and removes old ones. */
export class CheckpointStore {
  private kept: string[] = [];
  private best: Record<string, BestCheckpoint> = {};
  /** Scores of checkpoints that are about to be written. */
  private readonly claims = new Map<string, number[]>();
  private readonly links = new Map<string, string>();
  private template = DEFAULT_TEMPLATE;
  private unit: 'epoch' | 'iter' = 'iter';
  private mirror: CheckpointMirror | undefined;

  constructor(
    private readonly directory: RunDirectory,
    private readonly logger: Logger,
  ) {}

  /** @throws E_STORAGE_PREFIX for an `outDir` that no storage serves */
  configure({ template, unit, outDir }: StoreOptions): void {
    this.template = template ?? DEFAULT_TEMPLATE;
    this.unit = unit ?? 'iter';
    this.mirror =
      outDir === undefined
        ? undefined
        : new CheckpointMirror(joinPath(outDir, basename(this.directory.workDir)));
  }

  /** The second place where checkpoints go, if there is one. */
  get mirrorHome(): string | undefined {
    return this.mirror?.home;
  }

  /** Folder of a checkpoint. */
  folderOf(meta: Pick<CheckpointMeta, 'epoch' | 'iter'>): string {
    return join(this.directory.checkpoints, folderName(this.template, this.unit, meta));
  }

  /** The newest checkpoint of the series, if there is one. */
  get newest(): string | undefined {
    const name = this.kept[this.kept.length - 1];
    return name === undefined ? undefined : resolve(this.directory.workDir, name);
  }

  /** Score of the best checkpoint by a metric, those that are being written included. */
  bestScoreOf(key: string): number | undefined {
    return this.claims.get(key)?.at(-1) ?? this.best[key]?.score;
  }

  /** Notes that a checkpoint with these scores is about to be written. @returns its folder */
  claim(meta: Pick<CheckpointMeta, 'epoch' | 'iter'>, best: Readonly<Record<string, number>>): string {
    for (const [key, score] of Object.entries(best))
      this.claims.set(key, [...(this.claims.get(key) ?? []), score]);
    return this.folderOf(meta);
  }

  /** Takes a claim back, since its checkpoint could not be written. */
  giveUp(best: Readonly<Record<string, number>>): void {
    for (const [key, score] of Object.entries(best)) {
      const claims = this.claims.get(key) ?? [];
      const at = claims.indexOf(score);
      this.claims.set(key, at < 0 ? claims : claims.toSpliced(at, 1));
    }
  }

  get bestCheckpoints(): Readonly<Record<string, BestCheckpoint>> {
    return this.best;
  }

  /**
   * Writes a checkpoint, then points `last` and `last_checkpoint` at it. The content is told which checkpoints will be
   * kept, so that a resumed run knows them.
   * @param purpose `best`: metrics that this checkpoint is the best by, with their scores; `regular`: whether it belongs
   * to the series that {@link prune} counts
   * @param writer what writes the folder; this thread unless said
   * @throws E_IO_…, E_RUN_DIRECTORY_GONE; nothing that was there before is lost
   */
  async write(
    content: CheckpointContent,
    purpose: WritePurpose = { best: {}, regular: true },
    writer: FolderWriter = directWriter,
  ): Promise<string> {
    const { best } = purpose;
    this.checkDirectory();
    const folder = await this.placeFor(content.meta);
    const name = this.directory.relative(folder);
    const regular = purpose.regular || this.kept.includes(name);
    const kept = [...this.kept.filter((other) => other !== name), ...(regular ? [name] : [])];
    const merged = { ...this.best };
    for (const [key, score] of Object.entries(best)) merged[key] = { folder: name, score };
    await writer.write(folder, { ...content, store: { kept, best: merged } });
    this.kept = kept;
    const last = join(this.directory.checkpoints, 'last');
    await writer.perform([
      { kind: 'link', link: last, target: basename(folder) },
      { kind: 'last', workDir: this.directory.workDir, folder },
    ]);
    const outdated = Object.keys(best).map((key) => this.best[key]?.folder);
    this.best = merged;
    this.giveUp(best);
    await this.linkBest(writer);
    for (const old of outdated) if (old !== undefined && old !== name) await this.dropBest(old, writer);
    await this.mirror?.add(folder, name);
    return folder;
  }

  /** A launch that resumed another's run links to that one's best until it has a better one. */
  private async linkBest(writer: FolderWriter): Promise<void> {
    const steps: Extract<FolderStep, { kind: 'link' }>[] = [];
    for (const [key, { folder }] of Object.entries(this.best)) {
      const link = join(this.directory.checkpoints, `best_${key.replaceAll('/', '_')}`);
      const target = relative(this.directory.checkpoints, resolve(this.directory.workDir, folder));
      if (this.links.get(link) !== target) steps.push({ kind: 'link', link, target });
    }
    if (steps.length > 0) await writer.perform(steps);
    for (const { link, target } of steps) this.links.set(link, target);
  }

  /** The folder of a checkpoint; where a template gives two of them one name, not the place of a best one. */
  private async placeFor(meta: CheckpointMeta): Promise<string> {
    const folder = this.folderOf(meta);
    const name = this.directory.relative(folder);
    if (!Object.values(this.best).some((best) => best.folder === name)) return folder;
    const there = await readMeta(folder);
    return there === undefined || there.iter === meta.iter ? folder : `${folder}_iter_${meta.iter}`;
  }

  /** Removes a checkpoint that was kept only for being the best, once it is not any more. */
  private async dropBest(name: string, writer: FolderWriter): Promise<void> {
    const needed = this.kept.includes(name) || Object.values(this.best).some(({ folder }) => folder === name);
    if (needed) return;
    await this.mirror?.remove(name);
    await writer.perform(this.removing(name));
    this.logger.info(`The previous best checkpoint ${resolve(this.directory.workDir, name)} is removed`);
  }

  /** Only what a store wrote is ever removed. */
  private removing(name: string): FolderStep[] {
    const folder = resolve(this.directory.workDir, name);
    return basename(dirname(folder)) === 'checkpoints' ? [{ kind: 'remove', folder }] : [];
  }

  /**
   * Removes the oldest checkpoints beyond `maxKeep`; the best ones do not count and stay. The newest must verify
   * before anything older goes.
   */
  async prune(maxKeep: number, writer: FolderWriter = directWriter): Promise<void> {
    if (maxKeep <= 0) return;
    const protectedFolders = new Set(Object.values(this.best).map(({ folder }) => folder));
    const regular = this.kept.filter((name) => !protectedFolders.has(name));
    const excess = regular.slice(0, Math.max(0, regular.length - maxKeep));
    if (excess.length === 0) return;
    const newest = resolve(this.directory.workDir, this.kept[this.kept.length - 1]!);
    const problems = await writer.perform([
      { kind: 'verify', folder: newest },
      ...(this.mirror ? [] : excess.flatMap((name) => this.removing(name))),
    ]);
    if (problems.length > 0) {
      this.logger.error(`Older checkpoints are kept, since ${newest} is not whole: ${problems.join('; ')}`);
      return;
    }
    for (const name of excess) {
      if (this.mirror) {
        await this.mirror.remove(name);
        await writer.perform(this.removing(name));
      }
      this.kept = this.kept.filter((other) => other !== name);
    }
  }

  /** Writing would make the folder again, without the log and the config that somebody has just removed with it. */
  private checkDirectory(): void {
    const folder = this.directory.path();
    if (existsSync(folder)) return;
    throw new EngineError({
      code: 'E_RUN_DIRECTORY_GONE',
      what: 'The folder of this run was removed while the run was going on.',
      received: `'${folder}' does not exist any more`,
      expected: 'the folder that was made when the run began, with its log and checkpoints',
      fix: 'start the run again; to end a run, send it SIGTERM instead of removing its folder',
    });
  }

  stateDict(): StoreState {
    return { kept: [...this.kept], best: structuredClone(this.best) };
  }

  loadStateDict(state: StoreState): void {
    this.kept = state.kept.filter((name) => existsSync(resolve(this.directory.workDir, name)));
    // One that was removed, or whose save in the background failed, is no mark to beat.
    const found = Object.entries(state.best).filter(([, { folder }]) =>
      existsSync(resolve(this.directory.workDir, folder)),
    );
    this.best = structuredClone(Object.fromEntries(found));
  }
}
