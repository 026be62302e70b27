import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { DATASETS, withScope } from '@engine/core';
import { resolveCollate } from './collate.js';
import type { Dataset } from './dataset.js';
import { importWorkerModule } from './import-module.js';
import './index.js';
import { loadSamples, type ContextFactory } from './load-batch.js';
import { ownedBuffers } from './owned-buffers.js';
import { packError } from './portable-error.js';
import { StreamContext } from './sample-context.js';
import { isCancelled, type LoadRequest, type WorkerReply, type WorkerSetup } from './worker-protocol.js';
import { WorkerStatus } from './worker-status.js';

const port = parentPort as MessagePort;
const setup = workerData as WorkerSetup;
const status = new WorkerStatus(setup.status);
const cancelled = new Int32Array(setup.cancelled);

/** Thrown between two samples of a batch that nobody waits for. */
const STOP = Symbol('stop');

let iteration = 0;

/** Records in shared memory what is going on, for the main thread to read should this one die. */
class RecordedContext extends StreamContext {
  enter(part: string): void {
    status.part(part);
  }
}

const recorded: ContextFactory = (seed, epoch, index) => {
  if (isCancelled(cancelled, iteration)) throw STOP;
  status.sample(index);
  return new RecordedContext(seed, epoch, index);
};

function reply(message: WorkerReply, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function buildDataset(): Promise<Dataset> {
  for (const module of setup.modules) await importWorkerModule(module);
  const dataset = withScope(setup.scope, () => DATASETS.build<Dataset>(setup.dataset, { path: 'dataset' }));
  if (setup.shared === undefined) dataset.fullInit?.();
  else dataset.importShared?.(setup.shared);
  return dataset;
}

async function load(
  dataset: Dataset,
  request: LoadRequest,
  collate: (batch: readonly unknown[]) => unknown,
): Promise<void> {
  const { seq } = request;
  iteration = request.iteration;
  try {
    if (isCancelled(cancelled, iteration)) throw STOP;
    const loaded = loadSamples(dataset, request, setup.seed, recorded);
    // Asynchronous samples are loaded together, so none of them is the one in progress.
    status.idle();
    const samples = loaded instanceof Promise ? await loaded : loaded;
    const batch = collate(samples);
    reply({ kind: 'batch', iteration, seq, batch }, ownedBuffers(batch));
  } catch (error) {
    if (error === STOP) reply({ kind: 'skipped', iteration, seq });
    else reply({ kind: 'error', iteration, seq, error: packError(error), ...status.read() });
    status.idle();
  }
}

try {
  const dataset = await buildDataset();
  const collate = setup.collate
    ? resolveCollate({ type: setup.collate.name, ...setup.collate.options }).run
    : (samples: readonly unknown[]) => samples;
  // One batch at a time: with an asynchronous dataset, messages may come while one is being loaded.
  let queue = Promise.resolve();
  port.on('message', (request: LoadRequest) => {
    queue = queue.then(() => load(dataset, request, collate));
  });
  reply({ kind: 'ready' });
} catch (error) {
  reply({ kind: 'failed', error: packError(error) });
}
