import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { WrittenFile } from './atomic-write.js';
import { BackgroundHash } from './background-hash.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';
import { readManifest, verifyDirectory } from './manifest.js';

/** Files of a folder, read and checked. */
export interface VerifiedFiles {
  /** Content by name; only what is as the manifest says. Some lie in shared memory. */
  files: Map<string, Uint8Array>;
  /** One sentence per problem, as {@link verifyDirectory} gives them. */
  problems: string[];
}

export interface ReadVerifiedOptions {
  fs?: FileSystem | undefined;
  /** Where several files have so many bytes, two are read at once and a thread hashes one of them; 8 MiB. */
  threadBytes?: number | undefined;
}

/**
 * Reads the files of a folder once, checking each against the `COMMIT` manifest on the way.
 * @returns also what could be read of a folder that is not whole
 */
export async function readVerified(dir: string, options: ReadVerifiedOptions = {}): Promise<VerifiedFiles> {
  const { fs = nodeFileSystem, threadBytes = 8 << 20 } = options;
  const problems = await verifyDirectory(dir, { hash: false, fs });
  const manifest = await readManifest(dir, fs);
  const wanted = Object.entries(manifest?.files ?? {}).filter(
    ([name]) => !problems.some((problem) => problem.startsWith(`${name} `)),
  );
  const found: (Uint8Array | string)[] = [];
  const waiting = [...wanted.entries()];
  const lane = async (helped: boolean): Promise<void> => {
    let thread: BackgroundHash | undefined;
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [i, [name, expected]] = next;
        const large = helped && expected.bytes >= threadBytes;
        if (large) thread ??= new BackgroundHash();
        found[i] = await readFile(fs, join(dir, name), expected, large ? thread : undefined).catch(
          (error: unknown) => `cannot be read: ${(error as Error).message}`,
        );
      }
    } finally {
      await thread?.close();
    }
  };
  // Two files at once keep a disk busy. One of them is hashed here, where there is nothing else to do.
  const several = wanted.filter(([, { bytes }]) => bytes >= threadBytes).length > 1;
  await Promise.all(several ? [lane(true), lane(false)] : [lane(false)]);
  const files = new Map<string, Uint8Array>();
  for (const [i, [name]] of wanted.entries()) {
    const content = found[i]!;
    if (typeof content === 'string') problems.push(`${name} ${content}`);
    else files.set(name, content);
  }
  return { files, problems };
}

/** The content, or what is wrong with it. */
async function readFile(
  fs: FileSystem,
  path: string,
  expected: WrittenFile,
  thread: BackgroundHash | undefined,
): Promise<Uint8Array | string> {
  const hash = createHash('sha256');
  const content = thread
    ? await fs.read(path, (piece) => thread.update(piece), sharedMemory)
    : await fs.read(path, (piece) => hash.update(piece));
  // A thread that cannot run says nothing about the file.
  const sha256 = await (thread?.digest().catch(() => hash.update(content).digest('hex')) ??
    hash.digest('hex'));
  return content.byteLength === expected.bytes && sha256 === expected.sha256
    ? content
    : 'has another sha256 than when it was written';
}

/** TypeScript's typed arrays over shared memory are those over any other, as far as anybody here can tell. */
function sharedMemory(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes) as unknown as ArrayBuffer);
}
