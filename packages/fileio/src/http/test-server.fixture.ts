import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a request did and what to do with it instead of serving the file. */
export type Fault = 'reset' | 'break' | 'stall' | number;

export interface TestServer {
  url: string;
  requests: { method: string; path: string; range: string | undefined }[];
  /** Taken one per request, in order; then requests are served as they should be. */
  faults: Fault[];
  files: Map<string, Uint8Array>;
  ranges: boolean;
  headers: Record<string, string>;
}

/** A real HTTP server with ETags and ranges, closed with the test, whose requests can be made to fail. */
export async function testServer(files: Record<string, Uint8Array>): Promise<TestServer> {
  const state: TestServer = {
    url: '',
    requests: [],
    faults: [],
    files: new Map(Object.entries(files)),
    ranges: true,
    headers: {},
  };
  const server = createServer((request, response) => serve(state, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return state;
}

function serve(state: TestServer, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(request.url ?? '/');
  state.requests.push({ method: request.method ?? '', path, range: request.headers.range });
  const fault = state.faults.shift();
  if (fault === 'reset') return void request.socket.resetAndDestroy();
  if (typeof fault === 'number') return void response.writeHead(fault, state.headers).end('busy');
  const file = state.files.get(path);
  if (!file) return void response.writeHead(404).end('nothing here');
  const etag = `"${Buffer.from(file).toString('base64url').slice(0, 12)}-${file.byteLength}"`;
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const same = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  let [begin, end, status] = [0, file.byteLength, 200];
  if (state.ranges && range && same) {
    begin = Number(range[1]);
    end = Math.min(end, range[2] ? Number(range[2]) + 1 : end);
    status = 206;
    if (begin >= file.byteLength) return void response.writeHead(416).end();
  }
  const body = file.subarray(begin, end);
  response.writeHead(status, { etag, 'content-length': body.byteLength });
  if (request.method === 'HEAD') return void response.end();
  if (fault === undefined) return void response.end(body);
  // Half of it, and then silence or an end.
  response.write(body.subarray(0, body.byteLength >> 1), () => {
    // Closed rather than reset: a reset may throw away what the client has not read yet.
    if (fault === 'break') setTimeout(() => request.socket.destroySoon(), 20);
  });
}
