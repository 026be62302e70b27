import { createHash } from 'node:crypto';
import { parentPort, type MessagePort } from 'node:worker_threads';
import type { HashReply, HashRequest } from './background-hash.js';

const port = parentPort as MessagePort;
let hash = createHash('sha256');

port.on('message', (request: HashRequest) => {
  if ('piece' in request) hash.update(request.piece);
  else {
    port.postMessage({ sha256: hash.digest('hex') } satisfies HashReply);
    hash = createHash('sha256');
  }
});
