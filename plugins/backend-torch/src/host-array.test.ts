import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import {
  autocast,
  byteSize,
  readInto,
  readStored,
  sgdUpdate,
  tf,
  toTensor,
  type Tensor,
  type Variable,
} from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { native } from './native.js';
import type { Storage } from './storage.js';
import { missing, useTorch, values } from './torch.fixture.js';

setFlagsFromString('--expose_gc');
const gc = runInNewContext('gc') as () => void;

const COUNT = 1 << 18;
const numbers = (): Float32Array => Float32Array.from({ length: COUNT }, (_, i) => i % 1000);
const owned = (data: Float32Array): Tensor =>
  toTensor({ dtype: 'float32', shape: [COUNT], data }, undefined, { owned: true });
const handleOf = (x: Tensor): number => (x.dataId as Storage).handle;
const isShared = (x: Tensor): boolean => native().isShared(handleOf(x));

/** Collects what nobody holds, finalizers included. */
async function collect(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Writes over memory that was freed. */
function churn(): void {
  for (let i = 0; i < 8; i++) new Float32Array(COUNT).fill(-1);
}

describe.skipIf(missing)('values from typed arrays', () => {
  beforeAll(useTorch);

  it('stay where they are when they are large and their owner gives them away', () => {
    const data = numbers();
    const x = owned(data);
    expect(isShared(x)).toBe(true);
    expect(x.dataSync().every((value, i) => value === data[i])).toBe(true);
    data[3] = -5;
    expect(values(tf.slice(x, 3, 1))).toEqual([-5]);
    x.dispose();
  });

  it('are copied otherwise', () => {
    const data = numbers();
    const copies = [
      tf.tensor(data),
      toTensor(data),
      toTensor(data.subarray(0, 8), undefined, { owned: true }),
      owned(new Float32Array(new SharedArrayBuffer(4 * COUNT))),
      toTensor({ dtype: 'float64', shape: [COUNT], data: Float64Array.from(data) }, undefined, {
        owned: true,
      }),
    ];
    expect(copies.map(isShared)).toEqual([false, false, false, false, false]);
    data[0] = 77;
    expect(values(tf.slice(copies[0]!, 0, 1))).toEqual([0]);
    tf.dispose(copies);
  });

  // In a process of its own, where nothing but the addon can hold on to an array.
  it('are given back when the last tensor over them goes, not before', () => {
    const program = `
      const addon = require(${JSON.stringify(fileURLToPath(new URL('../build/Release/engine_torch.node', import.meta.url)))});
      const buffer = new Float64Array(64);
      addon.setBuffer(buffer);
      const bytes = () => (gc(), gc(), process.memoryUsage().arrayBuffers);
      const report = [bytes()];
      const made = (() => addon.fromArray(new Float32Array(${COUNT}).fill(3), 6, true, ${COUNT}))();
      setImmediate(() => {
        report.push(bytes());
        buffer.set([made, 0]);
        addon.call(addon.findOp('aten::alias').index, 1);
        const view = buffer[0];
        addon.release(made);
        for (let i = 0; i < 8; i++) new Float32Array(${COUNT}).fill(-1);
        report.push(bytes());
        report.push(new Float32Array(addon.read(view)).every((x) => x === 3));
        setImmediate(() => {
          addon.release(view);
          report.push(bytes());
          console.log(JSON.stringify(report));
        });
      });`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', program], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const [before, made, viewed, intact, after] = JSON.parse(stdout) as [
      number,
      number,
      number,
      boolean,
      number,
    ];
    expect(made - before).toBeGreaterThan(3 * COUNT);
    expect(viewed - before).toBeGreaterThan(3 * COUNT);
    expect(intact).toBe(true);
    expect(after - before).toBeLessThan(COUNT);
  });

  it('survive that their array is handed to another thread and freed there', async () => {
    const data = numbers();
    const x = owned(data);
    structuredClone(data, { transfer: [data.buffer] });
    expect(data.length).toBe(0);
    await collect();
    churn();
    expect(values(tf.slice(x, 0, 4))).toEqual([0, 1, 2, 3]);
    x.dispose();
  });

  it('are never written to by an update in place', () => {
    const data = numbers();
    const momentum = new Float32Array(COUNT).fill(2);
    const p = tf.variable(owned(data)) as Variable;
    const m = tf.variable(owned(momentum)) as Variable;
    const grads = [tf.ones([COUNT])];
    sgdUpdate({ params: [p], grads, momentumBuffers: [m], lr: 1, momentum: 0.5 });
    expect(values(tf.slice(p, 0, 3))).toEqual([-2, -1, 0]);
    expect(values(tf.slice(m, 0, 2))).toEqual([2, 2]);
    sgdUpdate({ params: [p], grads, momentumBuffers: [m], lr: 1, momentum: 0.5 });
    expect([isShared(p), isShared(m)]).toEqual([false, false]);
    expect([...data.subarray(0, 3), ...momentum.subarray(0, 2)]).toEqual([0, 1, 2, 2, 2]);
  });

  it('refuse a shape that they do not fill', () => {
    expect(() => native().fromArray(numbers(), 6, true, 7)).toThrow('does not fill the shape');
  });
});

describe.skipIf(missing)('reading on another thread', () => {
  beforeAll(useTorch);

  it('gives the values of the moment it was asked', async () => {
    const p = tf.variable(tf.tensor1d([1, 2, 3])) as Variable;
    const pending = native().readAsync(handleOf(p));
    sgdUpdate({ params: [p], grads: [tf.ones([3])], lr: 1 });
    expect([...new Float32Array(await pending)]).toEqual([1, 2, 3]);
    expect([...new Float32Array(await native().readAsync(handleOf(p)))]).toEqual([0, 1, 2]);
  });

  it('turns views and narrow types into what tfjs knows, and outlives the tensor', async () => {
    const x = tf.tensor2d([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const turned = tf.transpose(x);
    const pending = native().readAsync(handleOf(turned));
    tf.dispose([x, turned]);
    expect([...new Float32Array(await pending)]).toEqual([1, 4, 2, 5, 3, 6]);
    const yes = tf.tensor1d([true, false]);
    expect([...new Uint8Array(await native().readAsync(handleOf(yes)))]).toEqual([1, 0]);
    expect((await native().readAsync(handleOf(tf.zeros([0])))).byteLength).toBe(0);
  });
});

describe.skipIf(missing)('values read into memory that is there', () => {
  beforeAll(useTorch);

  const shared = (bytes: number): Uint8Array =>
    new Uint8Array(new SharedArrayBuffer(bytes) as unknown as ArrayBuffer);
  const floats = (bytes: Uint8Array): number[] => [
    ...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4),
  ];

  it('are those of the tensor, whatever its strides, offset and element type', () => {
    const x = tf.tensor3d([...Array(24).keys()], [2, 3, 4]);
    const cases = [
      x,
      tf.transpose(x, [1, 2, 0]),
      tf.transpose(x, [2, 0, 1]),
      tf.slice(x, [1, 0, 1], [1, 3, 2]),
    ];
    for (const tensor of [...cases, tf.scalar(3), tf.zeros([0, 2])]) {
      const target = shared(byteSize(tensor));
      readInto(tensor, target);
      expect(floats(target)).toEqual(values(tensor));
    }
    const target = shared(3);
    readInto(tf.tensor1d([true, false, true], 'bool'), target);
    expect([...target]).toEqual([1, 0, 1]);
  });

  it('are widened where the tensor is narrow', () => {
    const narrow = autocast('bfloat16', () => tf.matMul(tf.tensor2d([[1.5, 2]]), tf.tensor2d([[2], [3]])));
    const target = shared(byteSize(narrow));
    readInto(narrow, target);
    expect(floats(target)).toEqual([9]);
  });

  it('come in the order of the memory when asked for, which is told', () => {
    const base = tf.tensor4d([...Array(120).keys()], [5, 2, 3, 4]);
    // Memory [o, h, w, i] of a filter [h, w, i, o].
    const filter = tf.transpose(base, [1, 2, 3, 0]);
    const target = shared(byteSize(filter));
    expect(readStored(filter, target)).toBe(3);
    expect(floats(target)).toEqual(values(base));
    // In no such order: row-major.
    const mixed = tf.transpose(base, [2, 0, 1, 3]);
    expect(readStored(mixed, target)).toBe(0);
    expect(floats(target)).toEqual(values(mixed));
    expect(readStored(base, target)).toBe(0);
  });

  it('must find exactly the room that they need', () => {
    const handle = handleOf(tf.tensor1d([1, 2]));
    expect(() => native().readInto(handle, new Uint8Array(4))).toThrow(/size/);
  });
});
