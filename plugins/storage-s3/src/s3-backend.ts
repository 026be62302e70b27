import { badValue, checkKeys, EngineError, register, STORAGE_BACKENDS } from '@engine/core';
import {
  checkRetryOptions,
  fetchOnce,
  httpGet,
  KeyedStorageBackend,
  MemorySink,
  statusError,
  withRetries,
  type GetOptions,
  type RetryOptions,
} from '@engine/fileio';
import { AwsClient } from 'aws4fetch';
import { readListing } from './listing.js';

export interface S3BackendOptions extends RetryOptions {
  /** Address of the server, for those that are not Amazon's: `https://minio.example`. Default `$AWS_ENDPOINT_URL`. */
  endpoint?: string | undefined;
  /** Default `$AWS_REGION`, else `us-east-1`. */
  region?: string | undefined;
  /** Default `$AWS_ACCESS_KEY_ID`. */
  accessKeyId?: string | undefined;
  /** Default `$AWS_SECRET_ACCESS_KEY`. */
  secretAccessKey?: string | undefined;
  /** Default `$AWS_SESSION_TOKEN`. */
  sessionToken?: string | undefined;
  /** Bucket in the path of the address instead of its host name. Default true where `endpoint` is set. */
  pathStyle?: boolean | undefined;
  /** Names asked for at once when listing, at most 1000. Default 1000. */
  pageSize?: number | undefined;
}

declare module '@engine/core' {
  interface StorageBackendTypes {
    S3Backend: S3BackendOptions;
  }
}

const KEYS = [
  'endpoint',
  'region',
  'accessKeyId',
  'secretAccessKey',
  'sessionToken',
  'pathStyle',
  'pageSize',
] as const;

/** As `encodeURIComponent`, and the characters that RFC 3986 reserves besides. */
function encode(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Objects of any server with the S3 protocol, at `s3://bucket/key`. Requests are signed with AWS Signature Version 4,
 * repeated where that may help, and resumed where a download broke. One object is written whole or not at all; it may
 * have 5 GiB at most, the protocol's limit for one request.
 */
@register(STORAGE_BACKENDS)
export class S3Backend extends KeyedStorageBackend {
  static readonly prefixes: readonly string[] = ['s3'];
  readonly name = 'S3Backend';
  private readonly client: AwsClient;
  private readonly retry: RetryOptions;
  private readonly endpoint: string;
  private readonly pathStyle: boolean;
  private readonly pageSize: number;

  /** @throws E_STORAGE_CREDENTIALS without an access key, E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: S3BackendOptions = {}) {
    super();
    checkKeys('S3Backend', options, [...KEYS, 'retries', 'backoff', 'timeout']);
    checkRetryOptions('S3Backend', options);
    const { env } = process;
    const endpoint = options.endpoint ?? env['AWS_ENDPOINT_URL'];
    if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint))
      throw badValue('S3Backend.endpoint', endpoint, 'an address such as https://minio.example');
    const region = options.region ?? env['AWS_REGION'] ?? 'us-east-1';
    const accessKeyId = options.accessKeyId ?? env['AWS_ACCESS_KEY_ID'];
    const secretAccessKey = options.secretAccessKey ?? env['AWS_SECRET_ACCESS_KEY'];
    const sessionToken = options.sessionToken ?? env['AWS_SESSION_TOKEN'];
    if (!accessKeyId || !secretAccessKey) {
      throw new EngineError({
        code: 'E_STORAGE_CREDENTIALS',
        what: 'S3Backend has no credentials.',
        expected: 'accessKeyId and secretAccessKey',
        fix: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give them as options',
        exitCode: 2,
      });
    }
    this.endpoint = (endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '');
    const { pageSize = 1000 } = options;
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 1000)
      throw badValue('S3Backend.pageSize', pageSize, 'an integer from 1 to 1000');
    this.pageSize = pageSize;
    this.pathStyle = options.pathStyle ?? endpoint !== undefined;
    this.retry = { retries: options.retries, backoff: options.backoff, timeout: options.timeout };
    this.client = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      region,
      service: 's3',
    });
  }

  protected async readKey(key: string, _path: string, options: GetOptions): Promise<Uint8Array | undefined> {
    const [bucket, object] = split(key);
    if (object === '') return undefined;
    const sink = new MemorySink();
    try {
      await httpGet(this.url(bucket, object), sink, {
        ...this.retry,
        ...options,
        prepare: async (url, init) => {
          // A signature is good for minutes only, so each attempt gets its own.
          const { headers } = await this.client.sign(url, { method: 'GET', headers: init.headers! });
          return { headers };
        },
      });
    } catch (error) {
      if ((error as { code?: unknown }).code === 'E_IO_NOT_FOUND') return undefined;
      throw error;
    }
    return sink.bytes();
  }

  protected async writeKey(key: string, data: Uint8Array, path: string): Promise<void> {
    const [bucket, object] = split(key);
    if (object === '') throw this.failure('EISDIR', 'write', path);
    await this.request('PUT', this.url(bucket, object), path, 'write', {
      body: data as Uint8Array<ArrayBuffer>,
    });
  }

  protected override async copyKey(
    from: string,
    to: string,
    source: string,
    target: string,
  ): Promise<boolean> {
    if (!(await this.hasKey(from, source))) return false;
    const [bucket, object] = split(to);
    if (object === '') throw this.failure('EISDIR', 'write', target);
    const headers = { 'x-amz-copy-source': `/${from.split('/').map(encode).join('/')}` };
    await this.request('PUT', this.url(bucket, object), target, 'copy to', { headers });
    return true;
  }

  protected async deleteKey(key: string, path: string): Promise<boolean> {
    // The protocol answers the same whether there was something or not.
    if (!(await this.hasKey(key, path))) return false;
    const [bucket, object] = split(key);
    await this.request('DELETE', this.url(bucket, object), path, 'remove');
    return true;
  }

  protected async hasKey(key: string, path: string): Promise<boolean> {
    const [bucket, object] = split(key);
    if (object === '') return false;
    return (await this.request('HEAD', this.url(bucket, object), path, 'ask for')) !== undefined;
  }

  protected async *listKeys(start: string, path: string, limit = this.pageSize): AsyncGenerator<string> {
    const [bucket, prefix] = split(start);
    if (bucket === '') throw badValue('path', path, 's3://bucket/…');
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ 'list-type': '2', prefix, 'max-keys': String(limit) });
      if (token !== undefined) query.set('continuation-token', token);
      const text = await this.request('GET', `${this.url(bucket, '')}?${query.toString()}`, path, 'list');
      if (text === undefined) return;
      const page = readListing(text);
      for (const name of page.keys) yield `${bucket}/${name}`;
      token = page.next;
    } while (token !== undefined);
  }

  /** An address that anybody may use for `seconds` (at most a week, by the protocol). */
  override async generatePresignedUrl(
    path: string,
    method: 'GET' | 'PUT' = 'GET',
    seconds = 3600,
  ): Promise<string> {
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 604_800)
      throw badValue('seconds', seconds, 'an integer from 1 to 604800');
    const [bucket, object] = split(this.keyOf(path));
    const url = `${this.url(bucket, object)}?X-Amz-Expires=${seconds}`;
    return (await this.client.sign(url, { method, aws: { signQuery: true } })).url;
  }

  /** The answer's text; undefined for 404. */
  private request(
    method: string,
    url: string,
    path: string,
    doing: string,
    content: Pick<RequestInit, 'body' | 'headers'> = {},
  ): Promise<string | undefined> {
    return withRetries(`${method} '${path}'`, this.retry, async () => {
      const init = { method, ...content };
      const { headers } = await this.client.sign(url, init);
      return fetchOnce(url, { ...init, headers }, this.retry, async (response) => {
        const text = await response.text();
        if (response.ok) return text;
        if (response.status === 404 && method !== 'PUT') return undefined;
        throw statusError(path, response, doing);
      });
    });
  }

  private url(bucket: string, object: string): string {
    const path = object.split('/').map(encode).join('/');
    if (this.pathStyle) return `${this.endpoint}/${encode(bucket)}/${path}`;
    return `${this.endpoint.replace('://', `://${bucket}.`)}/${path}`;
  }
}

/** Bucket and key of `bucket/key`. */
function split(key: string): [string, string] {
  const at = key.indexOf('/');
  return at < 0 ? [key, ''] : [key.slice(0, at), key.slice(at + 1)];
}
