import { badValue, listNames } from '@engine/core';
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import type { CheckpointContent } from '../checkpoint/content.js';
import { readCheckpoint } from '../checkpoint/read.js';
import { writeCheckpoint } from '../checkpoint/write.js';

/** Parts of a checkpoint that may be published beside its weights and its description. */
export const PUBLISHABLE = [
  'model',
  'meta',
  'loop',
  'optimWrapper',
  'paramSchedulers',
  'messageHub',
  'hooks',
  'random',
  'extra',
] as const satisfies readonly (keyof CheckpointContent)[];

export type PublishedKey = (typeof PUBLISHABLE)[number];

/** @throws E_CONFIG_VALUE for a key that no checkpoint has, or one that stands twice */
export function checkPublishedKeys(option: string, keys: readonly string[]): readonly PublishedKey[] {
  const known: readonly string[] = PUBLISHABLE;
  const bad = !Array.isArray(keys) || keys.some((key) => !known.includes(key));
  if (bad || new Set(keys).size !== keys.length) {
    throw badValue(option, keys, `a list of different names among ${listNames(PUBLISHABLE)}`);
  }
  return keys as readonly PublishedKey[];
}

/**
 * Writes a copy of a checkpoint for others: weights and description, and of the rest only `keys`. Its name ends in the
 * first 8 hexadecimal digits of the SHA-256 of the weights.
 * @param home folder in which the copy is made
 * @returns the folder of the copy
 */
export async function publishCheckpoint(
  folder: string,
  home: string,
  keys: readonly PublishedKey[],
): Promise<string> {
  const content = await readCheckpoint(folder);
  const kept = Object.entries(content).filter(([key]) => (keys as readonly string[]).includes(key));
  const published = { ...Object.fromEntries(kept), meta: content.meta, model: content.model };
  const hash = createHash('sha256');
  for (const [name, { dtype, shape, data }] of Object.entries(content.model)) {
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength));
  }
  const target = join(home, `${basename(folder)}-${hash.digest('hex').slice(0, 8)}`);
  await writeCheckpoint(target, published);
  return target;
}
