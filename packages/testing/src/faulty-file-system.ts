import { writeFile } from 'node:fs/promises';
import { nodeFileSystem, type FileStat, type FileSystem, type WritableFile } from '@engine/fileio';

/** The operations of a {@link FileSystem} that change something; only these are counted and can fail. */
export type FaultOperation =
  'create' | 'write' | 'sync' | 'close' | 'mkdir' | 'rename' | 'symlink' | 'remove';

/** One operation that fails as the system would. */
export interface Fault {
  operation: FaultOperation;
  /** Which call of that operation fails, from 1; every call from there on unless `once`. Default 1. */
  nth?: number;
  once?: boolean;
  /** Code of the system's error: `EIO`, `ENOSPC`, `EACCES`, … */
  code: string;
}

export interface FaultyFileSystemOptions {
  /** The process dies at its n-th changing operation (from 0): that one and all later ones throw and do nothing. */
  crashAt?: number;
  /** With a crash: what was not synced is lost, as when the power fails. Default false. */
  losesUnsynced?: boolean;
  /** The disk is full after so many bytes: the write that crosses the limit writes up to it, later ones fail ENOSPC. */
  capacity?: number;
  /** Every write takes at most so many bytes. */
  shortWrites?: number;
  faults?: readonly Fault[];
}

/** What a crashed {@link FaultyFileSystem} throws: not a system error, since a dead process sees none. */
export class SimulatedCrash extends Error {
  constructor(operation: string, path: string) {
    super(`crashed at ${operation} ${path}`);
    this.name = 'SimulatedCrash';
  }
}

function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: injected, ${operation} '${path}'`), {
    code,
    syscall: operation,
    path,
  });
}

/** The real file system with a fault in it, for tests of what must survive one. */
export class FaultyFileSystem implements FileSystem {
  /** Changing operations so far, in order, as `operation path`. */
  readonly operations: string[] = [];
  crashed = false;
  private readonly calls = new Map<FaultOperation, number>();
  private readonly unsynced = new Set<string>();
  private written = 0;

  constructor(
    private readonly options: FaultyFileSystemOptions = {},
    private readonly base: FileSystem = nodeFileSystem,
  ) {}

  async create(path: string): Promise<WritableFile> {
    await this.step('create', path);
    const file = await this.base.create(path);
    this.unsynced.add(path);
    return {
      write: async (bytes) => {
        try {
          await this.step('write', path);
        } catch (error) {
          if (!(error instanceof SimulatedCrash)) throw error;
          // A process can die in the middle of a write: half of it is on the disk.
          if (bytes.byteLength > 1) await file.write(bytes.subarray(0, bytes.byteLength >> 1)).catch(() => 0);
          await this.loseUnsynced();
          throw error;
        }
        const room = this.options.capacity === undefined ? Infinity : this.options.capacity - this.written;
        if (room <= 0) throw systemError('ENOSPC', 'write', path);
        const most = Math.min(bytes.byteLength, this.options.shortWrites ?? Infinity, room);
        const count = await file.write(bytes.subarray(0, most));
        this.written += count;
        return count;
      },
      sync: async () => {
        await this.step('sync', path);
        await file.sync();
        this.unsynced.delete(path);
      },
      close: async () => {
        // The descriptor of a dead process is closed too, without the process doing anything.
        await file.close();
        if (!this.crashed) await this.step('close', path);
      },
    };
  }

  async mkdir(path: string): Promise<void> {
    await this.step('mkdir', path);
    await this.base.mkdir(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step('rename', from);
    await this.base.rename(from, to);
    const moved = Array.from(this.unsynced).filter((path) => path === from || path.startsWith(`${from}/`));
    for (const path of moved) {
      this.unsynced.delete(path);
      this.unsynced.add(to + path.slice(from.length));
    }
  }

  async symlink(target: string, link: string): Promise<void> {
    await this.step('symlink', link);
    await this.base.symlink(target, link);
  }

  async remove(path: string): Promise<void> {
    await this.step('remove', path);
    await this.base.remove(path);
  }

  async sync(path: string): Promise<void> {
    await this.step('sync', path);
    await this.base.sync(path);
    this.unsynced.delete(path);
  }

  read(
    path: string,
    onPiece?: (piece: Uint8Array) => void,
    allocate?: (bytes: number) => Uint8Array,
  ): Promise<Uint8Array> {
    return this.base.read(path, onPiece, allocate);
  }

  readChunks(path: string): AsyncIterable<Uint8Array> {
    return this.base.readChunks(path);
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.base.stat(path);
  }

  list(path: string): Promise<string[]> {
    return this.base.list(path);
  }

  async freeBytes(path: string): Promise<number | undefined> {
    const { capacity } = this.options;
    return capacity === undefined ? this.base.freeBytes(path) : Math.max(0, capacity - this.written);
  }

  private async step(operation: FaultOperation, path: string): Promise<void> {
    if (this.crashed || this.operations.length === this.options.crashAt) {
      const first = !this.crashed;
      this.crashed = true;
      if (first && operation !== 'write') await this.loseUnsynced();
      throw new SimulatedCrash(operation, path);
    }
    this.operations.push(`${operation} ${path}`);
    const call = (this.calls.get(operation) ?? 0) + 1;
    this.calls.set(operation, call);
    for (const fault of this.options.faults ?? []) {
      const nth = fault.nth ?? 1;
      const hit = fault.operation === operation && (fault.once ? call === nth : call >= nth);
      if (hit) throw systemError(fault.code, operation, path);
    }
  }

  private async loseUnsynced(): Promise<void> {
    if (!this.options.losesUnsynced) return;
    for (const path of this.unsynced) {
      if ((await this.base.stat(path))?.kind === 'file') await writeFile(path, '');
    }
    this.unsynced.clear();
  }
}
