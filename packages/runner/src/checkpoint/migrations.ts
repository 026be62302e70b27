import { EngineError, type HostArray } from '@engine/core';

/** Layout of the folders that this engine writes. */
export const CHECKPOINT_FORMAT = 2;

/** A checkpoint as it lies on disk, before it is understood; migrations change it in place. */
export interface CheckpointDocuments {
  /** `state.json`, with `meta` inside. */
  state: Record<string, unknown>;
  /** `data.json`, `rng.json`, `hub.json`; absent ones are undefined. */
  data?: Record<string, unknown> | undefined;
  random?: Record<string, unknown> | undefined;
  hub?: unknown;
  /** Groups of tensors by file name without extension: `model`, `optim`, … */
  tensors: Record<string, Record<string, HostArray>>;
}

/** One step by which older checkpoints become what this program understands. */
export interface CheckpointMigration {
  /** Stands in every checkpoint written from then on; `library/what-changes` for those of libraries. */
  name: string;
  /** The engine's own: applied to folders of a lower format. Others are applied where their name is not yet listed. */
  format?: number;
  migrate(documents: CheckpointDocuments): void;
}

const migrations: CheckpointMigration[] = [
  {
    name: 'hub-in-own-file',
    format: 2,
    // Format 1 had the histories of all scalars in the middle of state.json, one number per line.
    migrate(documents) {
      documents.hub = documents.state['messageHub'];
      delete documents.state['messageHub'];
    },
  },
];

/** Names of all migrations, in the order in which they are applied. */
export function migrationNames(): string[] {
  return migrations.map(({ name }) => name);
}

/**
 * Adds a migration of a library: after parameters were renamed, say, older checkpoints go on loading.
 * @throws E_CHECKPOINT_MIGRATION for a name that is taken by another one
 */
export function registerCheckpointMigration(migration: Omit<CheckpointMigration, 'format'>): void {
  const { name, migrate } = migration;
  if (migrations.some((other) => other.name === name)) {
    throw new EngineError({
      code: 'E_CHECKPOINT_MIGRATION',
      what: `There is already a checkpoint migration '${name}'.`,
      expected: 'a name of its own, such as my-library/rename-head',
    });
  }
  migrations.push({ name, migrate });
}

/**
 * Brings the documents of an older checkpoint up to date.
 * @returns names of the migrations that were applied
 */
export function migrateCheckpoint(documents: CheckpointDocuments): string[] {
  const meta = documents.state['meta'] as { format: number; migrations?: readonly string[] };
  const done = new Set(meta.migrations);
  const applied: string[] = [];
  for (const { name, format, migrate } of migrations) {
    const needed = format === undefined ? !done.has(name) : meta.format < format;
    if (!needed) continue;
    migrate(documents);
    applied.push(name);
  }
  meta.format = CHECKPOINT_FORMAT;
  return applied;
}
