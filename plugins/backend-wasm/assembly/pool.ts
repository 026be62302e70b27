import { dispatch } from './dispatch';

/**
 * Threads share one control block. A job is a kernel, its arguments and a number of chunks; every thread claims chunks
 * until none is left. What a chunk computes does not depend on who computes it, so neither do the results.
 *
 * The ticket holds everything that a claim must agree on: sequence number (16 bits), chunks (24), next chunk (24). A
 * thread that wakes up late either claims a chunk of the job that is current or nothing; the caller waits for claimed
 * chunks only, never for a sleeping thread.
 */
const TICKET: usize = 0;
const EPOCH: usize = 64;
const DONE: usize = 128;
const SLEEPERS: usize = 192;
const CALLER_WAITS: usize = 196;
const STOP: usize = 200;
/** Set from outside when a helper thread dies. */
const FAILED: usize = 204;
const KERNEL: usize = 256;
const ARGS: usize = 260;
const SCRATCH: usize = 264;
const SCRATCH_STRIDE: usize = 268;

const INDEX_MASK: u64 = 0xffffff;
/** Looks at the control block before a thread without work goes to sleep: some 50 µs. */
const WORKER_SPINS: i32 = 30000;
const CALLER_SPINS: i32 = 20000;

/** Claims a chunk of the current job; -1 when there is none. */
function claim(control: usize): i32 {
  let ticket = atomic.load<u64>(control + TICKET);
  while (true) {
    const next = ticket & INDEX_MASK;
    if (next >= ((ticket >> 24) & INDEX_MASK)) return -1;
    const seen = atomic.cmpxchg<u64>(control + TICKET, ticket, ticket + 1);
    if (seen == ticket) return <i32>next;
    ticket = seen;
  }
}

function work(control: usize, thread: i32): void {
  let chunk = claim(control);
  while (chunk >= 0) {
    const scratch = load<u32>(control, SCRATCH) + load<u32>(control, SCRATCH_STRIDE) * thread;
    dispatch(load<i32>(control, KERNEL), load<u32>(control, ARGS), chunk, scratch);
    const chunks = <i32>((atomic.load<u64>(control + TICKET) >> 24) & INDEX_MASK);
    if (atomic.add<i32>(control + DONE, 1) + 1 == chunks && atomic.load<i32>(control + CALLER_WAITS)) {
      atomic.notify(control + DONE, 1);
    }
    chunk = claim(control);
  }
}

/** Body of a helper thread; returns when told to stop. */
export function serve(control: usize, thread: i32): void {
  while (!atomic.load<i32>(control + STOP)) {
    const epoch = atomic.load<i32>(control + EPOCH);
    work(control, thread);
    let spins = WORKER_SPINS;
    while (spins > 0 && atomic.load<i32>(control + EPOCH) == epoch) spins--;
    if (spins == 0) {
      atomic.add<i32>(control + SLEEPERS, 1);
      atomic.wait<i32>(control + EPOCH, epoch, -1);
      atomic.sub<i32>(control + SLEEPERS, 1);
    }
  }
}

/** Runs a job on all threads, the caller's included, and returns when every chunk is done. */
export function run(
  control: usize,
  kernel: i32,
  chunks: i32,
  args: usize,
  scratch: usize,
  stride: u32,
): void {
  store<i32>(control, kernel, KERNEL);
  store<u32>(control, <u32>args, ARGS);
  store<u32>(control, <u32>scratch, SCRATCH);
  store<u32>(control, stride, SCRATCH_STRIDE);
  atomic.store<i32>(control + CALLER_WAITS, 0);
  atomic.store<i32>(control + DONE, 0);
  const sequence = (atomic.load<u64>(control + TICKET) >> 48) + 1;
  atomic.store<u64>(control + TICKET, (sequence << 48) | ((<u64>chunks) << 24));
  atomic.add<i32>(control + EPOCH, 1);
  if (atomic.load<i32>(control + SLEEPERS)) atomic.notify(control + EPOCH, -1);
  work(control, 0);
  let spins = CALLER_SPINS;
  while (spins > 0 && atomic.load<i32>(control + DONE) != chunks) spins--;
  if (spins == 0) {
    atomic.store<i32>(control + CALLER_WAITS, 1);
    let done = atomic.load<i32>(control + DONE);
    while (done != chunks) {
      if (atomic.load<i32>(control + FAILED)) unreachable();
      atomic.wait<i32>(control + DONE, done, 1_000_000);
      done = atomic.load<i32>(control + DONE);
    }
  }
}

/** Runs a job on the calling thread alone: for work too small to share. */
export function runHere(kernel: i32, chunks: i32, args: usize, scratch: usize): void {
  for (let chunk = 0; chunk < chunks; chunk++) dispatch(kernel, args, chunk, scratch);
}

/** Makes helper threads return from {@link serve}. */
export function stop(control: usize): void {
  atomic.store<i32>(control + STOP, 1);
  atomic.add<i32>(control + EPOCH, 1);
  atomic.notify(control + EPOCH, -1);
}
