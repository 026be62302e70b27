import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { WrittenFile } from './atomic-write.js';
import { fromUtf8 } from './bytes.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';

/** Name of the file that closes a folder written by `writeDirectoryAtomically`; without it the folder is incomplete. */
export const MANIFEST_NAME = 'COMMIT';

/** Sizes and checksums of a folder's files, by path relative to the folder with `/`. */
export interface Manifest {
  version: 1;
  files: Record<string, WrittenFile>;
}

export interface VerifyOptions {
  /** Also read every file and compare its sha256; sizes alone are compared when false. Default true. */
  hash?: boolean | undefined;
  fs?: FileSystem | undefined;
}

function parseManifest(text: string): Manifest | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `${MANIFEST_NAME} is not JSON`;
  }
  const { version, files } = (value ?? {}) as Partial<Manifest>;
  if (version !== 1) return `${MANIFEST_NAME} has the version ${JSON.stringify(version)}, 1 is expected`;
  if (typeof files !== 'object' || files === null) return `${MANIFEST_NAME} lists no files`;
  for (const [name, file] of Object.entries(files)) {
    const inside = name !== '' && !name.startsWith('/') && !name.split(/[/\\]/).includes('..');
    if (!inside || typeof file?.bytes !== 'number' || typeof file.sha256 !== 'string') {
      return `${MANIFEST_NAME} has a bad entry for '${name}'`;
    }
  }
  return { version, files };
}

async function sha256Of(fs: FileSystem, path: string): Promise<WrittenFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of fs.readChunks(path)) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Size and checksum of a file that was not written through us. */
export function measureFile(path: string, fs: FileSystem = nodeFileSystem): Promise<WrittenFile> {
  return sha256Of(fs, path);
}

/** The manifest of a folder, or undefined when it has none that can be read. */
export async function readManifest(
  dir: string,
  fs: FileSystem = nodeFileSystem,
): Promise<Manifest | undefined> {
  try {
    const manifest = parseManifest(fromUtf8(await fs.read(join(dir, MANIFEST_NAME))));
    return typeof manifest === 'string' ? undefined : manifest;
  } catch {
    return undefined;
  }
}

/**
 * Checks a folder against its `COMMIT` manifest.
 * @returns one sentence per problem; an empty list when the folder is whole. Files not in the manifest are no problem.
 */
export async function verifyDirectory(dir: string, options: VerifyOptions = {}): Promise<string[]> {
  const fs = options.fs ?? nodeFileSystem;
  if ((await fs.stat(dir)) === undefined) return [`the folder does not exist`];
  if ((await fs.stat(join(dir, MANIFEST_NAME))) === undefined) return [`${MANIFEST_NAME} is missing`];
  let manifest: Manifest | string;
  try {
    manifest = parseManifest(fromUtf8(await fs.read(join(dir, MANIFEST_NAME))));
  } catch (error) {
    return [`${MANIFEST_NAME} cannot be read: ${(error as Error).message}`];
  }
  if (typeof manifest === 'string') return [manifest];
  const problems: string[] = [];
  for (const [name, expected] of Object.entries(manifest.files)) {
    const path = join(dir, name);
    const stat = await fs.stat(path);
    if (stat === undefined) problems.push(`${name} is missing`);
    else if (stat.kind !== 'file') problems.push(`${name} is not a file`);
    else if (stat.bytes !== expected.bytes) {
      problems.push(`${name} has ${stat.bytes} bytes, ${expected.bytes} are expected`);
    } else if (options.hash !== false) {
      try {
        const found = await sha256Of(fs, path);
        if (found.sha256 !== expected.sha256)
          problems.push(`${name} has another sha256 than when it was written`);
      } catch (error) {
        problems.push(`${name} cannot be read: ${(error as Error).message}`);
      }
    }
  }
  return problems;
}
