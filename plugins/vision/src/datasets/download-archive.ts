import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { EngineError } from '@engine/core';
import { TarExtractor } from './tar-extractor.js';

export interface DownloadArchiveOptions {
  /** A `.tar.gz`. */
  url: string;
  /** MD5 of the archive, in hexadecimal. */
  md5: string;
  /** The one folder that the archive holds. */
  folder: string;
  /** Where that folder is put; made if needed. */
  into: string;
  /** Gets lines about the progress; stderr unless said. */
  log?: (line: string) => void;
  /** Milliseconds until the host must have answered. Default 15 s. */
  timeout?: number;
}

function failed(
  url: string,
  what: string,
  received: string,
  expected?: string,
  cause?: unknown,
): EngineError {
  return new EngineError({ code: 'E_DOWNLOAD', what: `${url} ${what}.`, received, expected, cause });
}

async function request(url: string, timeout: number): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort(new Error(`no answer in ${timeout} ms`));
  }, timeout);
  let response: Response;
  try {
    response = await fetch(url, { signal: abort.signal });
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    throw failed(url, 'cannot be reached', (cause as Error).message, undefined, error);
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok || !response.body) {
    throw failed(url, 'was not sent', `${response.status} ${response.statusText}`, '200 OK');
  }
  return response;
}

/** Passes bytes on, hashing them and telling every tenth of the way. */
class Meter extends Transform {
  private readonly hash = createHash('md5');
  private readonly total: number;
  private readonly tell: (percent: number) => void;
  private received = 0;
  private told = 0;

  constructor(total: number, tell: (percent: number) => void) {
    super();
    this.total = total;
    this.tell = tell;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    this.hash.update(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    this.received += chunk.length;
    const percent = this.total > 0 ? Math.floor((100 * this.received) / this.total) : 0;
    if (percent >= this.told + 10) {
      this.told = percent - (percent % 10);
      this.tell(this.told);
    }
    done(null, chunk);
  }

  digest(): string {
    return this.hash.digest('hex');
  }
}

/**
 * Downloads a `.tar.gz` and unpacks it while it comes. The folder appears under its name only when all of it is there
 * and its checksum is right.
 *
 * @throws E_DOWNLOAD when the host cannot be reached, the answer is not 200 or the checksum is wrong
 */
export async function downloadArchive(options: DownloadArchiveOptions): Promise<void> {
  const { url, md5, folder, into, timeout = 15_000 } = options;
  const log = options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
  const response = await request(url, timeout);
  const size = Number(response.headers.get('content-length') ?? 0);
  const megabytes = size > 0 ? ` (${(size / 1e6).toFixed(0)} MB)` : '';
  log(`downloading ${url}${megabytes} into ${into}`);
  mkdirSync(into, { recursive: true });
  const temporary = mkdtempSync(join(into, `${folder}.tmp-`));
  try {
    const meter = new Meter(size, (percent) => {
      log(`downloading ${basename(url)}: ${percent} %`);
    });
    const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    try {
      await pipeline(body, meter, createGunzip(), new TarExtractor(temporary));
    } catch (error) {
      throw failed(url, 'could not be unpacked', (error as Error).message, undefined, error);
    }
    const digest = meter.digest();
    if (digest !== md5) throw failed(url, 'has the wrong checksum', `md5 ${digest}`, `md5 ${md5}`);
    const target = join(into, folder);
    if (!existsSync(join(temporary, folder))) {
      throw failed(
        url,
        'does not hold what is needed',
        readdirSync(temporary).join(', '),
        `the folder ${folder}`,
      );
    }
    // Another process may have been faster.
    if (!existsSync(target)) renameSync(join(temporary, folder), target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
