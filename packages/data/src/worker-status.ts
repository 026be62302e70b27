/** Length of the table of names, and of a name in it, in bytes. */
const NAMES = 64;
const NAME_BYTES = 64;
const HEADER_BYTES = 8;

/**
 * What a worker thread is doing, in shared memory, so that the main thread can still tell after the worker is gone:
 * the sample being loaded and the transform that runs on it.
 */
export class WorkerStatus {
  readonly memory: SharedArrayBuffer;
  private readonly now: Int32Array;
  private readonly names: Uint8Array;
  private readonly ids = new Map<string, number>();

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(HEADER_BYTES + NAMES * NAME_BYTES);
    this.now = new Int32Array(this.memory, 0, 2);
    this.names = new Uint8Array(this.memory, HEADER_BYTES);
    if (!memory) this.idle();
  }

  idle(): void {
    this.now[0] = -1;
    this.now[1] = -1;
  }

  sample(index: number): void {
    this.now[0] = index;
    this.now[1] = -1;
  }

  part(name: string): void {
    this.now[1] = this.ids.get(name) ?? this.remember(name);
  }

  read(): { sample: number | undefined; part: string | undefined } {
    const [sample, id] = this.now as unknown as [number, number];
    return { sample: sample < 0 ? undefined : sample, part: id < 0 ? undefined : this.name(id) };
  }

  /** Writes a name into the table; names that no longer fit stay unnamed. */
  private remember(name: string): number {
    const id = this.ids.size < NAMES ? this.ids.size : -1;
    if (id >= 0) {
      const bytes = new TextEncoder().encode(name).subarray(0, NAME_BYTES);
      this.names.set(bytes, id * NAME_BYTES);
      this.ids.set(name, id);
    }
    return id;
  }

  private name(id: number): string {
    const bytes = this.names.slice(id * NAME_BYTES, (id + 1) * NAME_BYTES);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }
}
