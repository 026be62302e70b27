// What the disk itself can do with so many bytes: one file after the other, nothing else done with them.
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const PIECE = 4 << 20;
const memory = new Uint8Array(PIECE).map((_, i) => (i * 31) >> 3);

/** Milliseconds to write and sync a file. */
export function writeFile(path, bytes) {
  const start = performance.now();
  const file = openSync(path, 'w');
  for (let at = 0; at < bytes;) at += writeSync(file, memory, 0, Math.min(PIECE, bytes - at));
  fsyncSync(file);
  closeSync(file);
  return performance.now() - start;
}

/** Milliseconds to read a file. */
export function readFile(path) {
  const start = performance.now();
  const file = openSync(path, 'r');
  const { size } = fstatSync(file);
  for (let at = 0; at < size;) at += readSync(file, memory, 0, PIECE, at);
  closeSync(file);
  return performance.now() - start;
}

/** Has the system forget what it keeps of a file in memory. @returns false where it cannot be told to */
export function forget(path) {
  const done = spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
  return done.status === 0;
}
