// For `node --import`: makes the process die, or its disk fail, at a chosen operation on a checkpoint. It patches Node's
// own file functions, in every thread, so that the program under test is the one that ships.
//
// ENGINE_FAULT_LOG   file that gets a line per operation; also what the threads count by. Needed.
// ENGINE_FAULT_AT    number of the operation, from 0, at which it happens; nothing happens without it
// ENGINE_FAULT_CODE  system error that this operation and all later ones of its kind fail with; without it the process is
//                    killed there: half of a write is done by then, of any other operation nothing
// ENGINE_FAULT_SHORT most bytes that a write takes
import { appendFileSync, statSync, writeSync } from 'node:fs';
import fsPromises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LINE = 200;
const log = process.env['ENGINE_FAULT_LOG'];
const at = Number(process.env['ENGINE_FAULT_AT'] ?? -1);
const code = process.env['ENGINE_FAULT_CODE'];
const short = Number(process.env['ENGINE_FAULT_SHORT'] ?? Infinity);

type AnyFunction = (...args: unknown[]) => unknown;
const paths = new WeakMap<FileHandle, string>();

function watched(path: unknown): path is string {
  return typeof path === 'string' && /[/\\]checkpoints([/\\]|$)|last_checkpoint/.test(path);
}

/** Notes an operation; true when it is the one. */
function count(operation: string, path: string): boolean {
  const number = (statSync(log!, { throwIfNoEntry: false })?.size ?? 0) / LINE;
  appendFileSync(log!, `${`${number} ${operation} ${path.slice(-120)}`.padEnd(LINE - 1)}\n`);
  return code === undefined ? number === at : at >= 0 && number >= at && fails(operation, number);
}

/** The kind of operation that fails, once it is known. */
let failing: string | undefined;
function fails(operation: string, number: number): boolean {
  if (number === at) failing = operation;
  return operation === failing;
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

function fail(operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: injected, ${operation} '${path}'`), {
    code,
    syscall: operation,
    path,
  });
}

async function step(operation: string, path: string, beforeDeath?: () => void): Promise<void> {
  if (!count(operation, path)) return;
  if (code !== undefined) return Promise.reject(fail(operation, path));
  beforeDeath?.();
  die();
}

function patch(target: object, name: string, pathOf: (self: unknown, args: unknown[]) => unknown): void {
  const table = target as Record<string, AnyFunction>;
  const original = table[name]!;
  table[name] = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const path = pathOf(this, args);
    if (watched(path)) await step(name, path);
    return original.apply(this, args);
  };
}

async function install(): Promise<void> {
  const functions = fsPromises as unknown as Record<string, AnyFunction>;
  const open = functions['open']!;
  const sample = (await open(join(tmpdir(), `.engine-fault-${process.pid}`), 'w')) as FileHandle;
  const handles = Object.getPrototypeOf(sample) as Record<string, AnyFunction>;
  await sample.close();
  await (functions['rm'] as typeof fsPromises.rm)(join(tmpdir(), `.engine-fault-${process.pid}`), {
    force: true,
  });

  functions['open'] = async function (...args: unknown[]): Promise<unknown> {
    const [path, flags] = args;
    if (watched(path) && flags === 'w') await step('create', path);
    const handle = (await open(...args)) as FileHandle;
    if (watched(path)) paths.set(handle, path);
    return handle;
  };
  for (const name of ['mkdir', 'rename', 'rm', 'unlink']) patch(functions, name, (_, [path]) => path);
  patch(functions, 'symlink', (_, [, path]) => path);
  patch(handles, 'sync', (self) => paths.get(self as FileHandle));

  const write = handles['write']!;
  handles['write'] = async function (this: FileHandle, ...args: unknown[]): Promise<unknown> {
    const path = paths.get(this);
    const [bytes] = args;
    if (!watched(path) || !(bytes instanceof Uint8Array)) return write.apply(this, args);
    await step('write', path, () => {
      if (bytes.byteLength > 1) writeSync(this.fd, bytes.subarray(0, bytes.byteLength >> 1));
    });
    return write.call(this, bytes.byteLength > short ? bytes.subarray(0, short) : bytes);
  };
  syncBuiltinESMExports();
}

if (log !== undefined) await install();
