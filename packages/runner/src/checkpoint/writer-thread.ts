import { isEngineError } from '@engine/core';
import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, type MessagePort } from 'node:worker_threads';
import { BackgroundWriter } from './background-writer.js';
import { performSteps } from './folder-writer.js';
import { writeTensorFile } from './tensor-file.js';
import { writeCheckpoint } from './write.js';
import type { PackedError, WriterReply, WriterRequest, WriterResult } from './writer-protocol.js';

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
    ? { name: error.name, message: error.message, code: (error as { code?: string }).code }
    : { name: 'Error', message: String(error) };
}

/** Fresh memory is given to a process page by page, when first written to; here nobody waits for that. */
function touchedMemory(bytes: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes);
  const view = new Uint8Array(memory);
  for (let at = 0; at < bytes; at += PAGE) view[at] = 1;
  return memory;
}

let steppedBack = false;

/** Lets training have the processors first. Linux counts a thread as a process of its own here; elsewhere nothing happens. */
function stepBack(): void {
  if (steppedBack || process.platform !== 'linux') return;
  steppedBack = true;
  try {
    setPriority(
      Number(basename(readlinkSync('/proc/thread-self'))),
      constants.priority.PRIORITY_BELOW_NORMAL,
    );
  } catch {
    // Without /proc the thread stays what it is.
  }
}

let helper: BackgroundWriter | undefined;

async function perform(request: WriterRequest): Promise<WriterResult> {
  switch (request.kind) {
    case 'memory':
      return { memory: touchedMemory(request.bytes) };
    case 'file':
      return { written: await writeTensorFile(request.path, request.file) };
    case 'steps':
      return { problems: await performSteps(request.steps) };
    case 'write':
      if (request.helped) helper ??= new BackgroundWriter();
      else stepBack();
      await writeCheckpoint(request.folder, request.content, request.helped ? { helper } : {});
      return {};
  }
}

async function answer(request: WriterRequest): Promise<WriterReply> {
  const { id } = request;
  try {
    return { id, result: await perform(request) };
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
  if (request.kind !== 'memory') queue = done;
});
