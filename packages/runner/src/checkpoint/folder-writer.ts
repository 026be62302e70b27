import { replaceSymlink, verifyDirectory } from '@engine/fileio';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { CheckpointContent } from './content.js';
import { writeLastCheckpoint } from './find.js';
import { writeCheckpoint } from './write.js';

/** Something to do with the folders of checkpoints. */
export type FolderStep =
  | { kind: 'link'; link: string; target: string }
  /** Note the newest checkpoint of a work dir. */
  | { kind: 'last'; workDir: string; folder: string }
  /** Go on only if the folder is whole, as far as sizes tell. */
  | { kind: 'verify'; folder: string }
  | { kind: 'remove'; folder: string };

/** Writes the folders of checkpoints, in this thread or another. */
export interface FolderWriter {
  write(folder: string, content: CheckpointContent): Promise<void>;
  /**
   * Takes steps one after the other.
   * @returns what is wrong with a folder that is not whole; the steps after it have not been taken
   */
  perform(steps: readonly FolderStep[]): Promise<string[]>;
}

export async function performSteps(steps: readonly FolderStep[]): Promise<string[]> {
  for (const step of steps) {
    switch (step.kind) {
      case 'link':
        await replaceSymlink(step.link, step.target);
        break;
      case 'last':
        await writeLastCheckpoint(step.workDir, step.folder);
        break;
      case 'verify': {
        const problems = await verifyDirectory(step.folder, { hash: false });
        if (problems.length > 0) return problems;
        break;
      }
      case 'remove':
        if (existsSync(step.folder)) await rm(step.folder, { recursive: true, force: true });
    }
  }
  return [];
}

/** Writes in this thread. */
export const directWriter: FolderWriter = { write: writeCheckpoint, perform: performSteps };
