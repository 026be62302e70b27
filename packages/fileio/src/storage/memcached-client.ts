import { connect, type Socket } from 'node:net';
import { EngineError } from '@engine/core';
import { concatBytes, plainBytes, utf8 } from '../bytes.js';

/** Reads the answer at the front of what has come; a number where it is not whole: as many bytes are needed to go on. */
type Parse<T> = (data: Uint8Array) => { value: T; used: number } | number;

interface Waiting {
  parse: Parse<unknown>;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** One connection to a memcached server, made when needed; requests are sent at once and answered in order. */
export class MemcachedClient {
  private socket: Socket | undefined;
  private chunks: Uint8Array[] = [];
  private held = 0;
  private needed = 1;
  private waiting: Waiting[] = [];

  constructor(
    private readonly host: string,
    private readonly port: number,
    private readonly timeout: number,
  ) {}

  /** The value of a key; undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined> {
    return this.request<Uint8Array | undefined>(utf8(`get ${key}\r\n`), (data) => {
      const line = firstLine(data);
      if (line === undefined) return data.byteLength + 1;
      const begin = line.length + 2;
      if (line === 'END') return { value: undefined, used: begin };
      const size = Number(/^VALUE \S+ \d+ (\d+)/.exec(line)?.[1] ?? this.refused(line));
      const used = begin + size + '\r\nEND\r\n'.length;
      return data.byteLength < used ? used : { value: data.slice(begin, begin + size), used };
    });
  }

  async set(key: string, data: Uint8Array, expires: number): Promise<void> {
    const head = utf8(`set ${key} 0 ${expires} ${data.byteLength}\r\n`);
    await this.line(concatBytes([head, data, utf8('\r\n')]), ['STORED']);
  }

  /** @returns false when there was none */
  async delete(key: string): Promise<boolean> {
    return (await this.line(utf8(`delete ${key}\r\n`), ['DELETED', 'NOT_FOUND'])) === 'DELETED';
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private line(request: Uint8Array, accepted: readonly string[]): Promise<string> {
    return this.request(request, (data) => {
      const line = firstLine(data);
      if (line === undefined) return data.byteLength + 1;
      return { value: accepted.includes(line) ? line : this.refused(line), used: line.length + 2 };
    });
  }

  private request<T>(bytes: Uint8Array, parse: Parse<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const socket = (this.socket ??= this.open());
      this.waiting.push({ parse, resolve: resolve as (value: unknown) => void, reject });
      socket.ref();
      socket.write(bytes);
    });
  }

  private open(): Socket {
    const socket = connect({ host: this.host, port: this.port });
    socket.setTimeout(this.timeout, () => {
      if (this.waiting.length > 0) socket.destroy(new Error(`no answer for ${this.timeout} ms`));
    });
    socket.on('data', (chunk) => this.take(plainBytes(chunk)));
    socket.on('error', (error) => this.fail(socket, error));
    socket.on('close', () => this.fail(socket, new Error('the server closed the connection')));
    return socket;
  }

  private take(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.held += chunk.byteLength;
    try {
      for (let next = this.waiting[0]; next && this.held >= this.needed; next = this.waiting[0]) {
        const data = this.chunks.length === 1 ? this.chunks[0]! : concatBytes(this.chunks);
        const answer = next.parse(data);
        const rest = typeof answer === 'number' ? data : data.subarray(answer.used);
        this.chunks = [rest];
        this.held = rest.byteLength;
        this.needed = typeof answer === 'number' ? answer : 1;
        if (typeof answer === 'number') return;
        this.waiting.shift();
        next.resolve(answer.value);
      }
      // An idle connection must not keep the process alive.
      if (this.waiting.length === 0) this.socket?.unref();
    } catch (error) {
      // What follows a refusal (the data of a value too large, say) cannot be told from answers.
      this.socket?.destroy(error as Error);
    }
  }

  private fail(socket: Socket, cause: Error): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    this.chunks = [];
    this.held = 0;
    this.needed = 1;
    const error = cause instanceof EngineError ? cause : this.failure(cause.message, cause);
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  private refused(line: string): never {
    throw this.failure(line);
  }

  private failure(received: string, cause?: Error): EngineError {
    return new EngineError({
      code: 'E_MEMCACHED_FAILED',
      what: `The memcached server ${this.host}:${this.port} did not do what was asked.`,
      received,
      fix: 'check the address, and the size of values (1 MiB unless the server was started with -I)',
      cause,
    });
  }
}

/** The first line without its end; undefined when the end has not come. A line of the protocol has 2 KiB at most. */
function firstLine(data: Uint8Array): string | undefined {
  const head = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 2048));
  const end = head.indexOf('\r\n');
  return end < 0 ? undefined : head.toString('latin1', 0, end);
}
