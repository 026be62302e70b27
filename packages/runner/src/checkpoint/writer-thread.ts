import { isEngineError } from '@engine/core';
import { parentPort, type MessagePort } from 'node:worker_threads';
import { writeCheckpoint } from './write.js';
import type { PackedError, WriterReply, WriterRequest } from './writer-protocol.js';

const port = parentPort as MessagePort;

/** Bytes between two touches when memory is made: a page is no smaller. */
const PAGE = 4096;

function pack(error: unknown): PackedError {
  if (isEngineError(error)) {
    const { cause, ...parts } = error.parts;
    return {
      parts: cause === undefined ? parts : { ...parts, cause: new Error(String((cause as Error).message)) },
    };
  }
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: 'Error', message: String(error) };
}

/** Fresh memory is given to a process page by page, when first written to; here nobody waits for that. */
function touchedMemory(bytes: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes);
  const view = new Uint8Array(memory);
  for (let at = 0; at < bytes; at += PAGE) view[at] = 1;
  return memory;
}

async function answer(request: WriterRequest): Promise<WriterReply> {
  const { id } = request;
  try {
    if (request.kind === 'memory') return { id, memory: touchedMemory(request.bytes) };
    await writeCheckpoint(request.folder, request.content);
    return { id };
  } catch (error) {
    return { id, error: pack(error) };
  }
}

// One write after the other: two at once would only share the disk. Memory is for a run that waits.
let queue = Promise.resolve();
port.on('message', (request: WriterRequest) => {
  const before = request.kind === 'memory' ? Promise.resolve() : queue;
  const done = before.then(async () => {
    port.postMessage(await answer(request));
  });
  if (request.kind === 'write') queue = done;
});
