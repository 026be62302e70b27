import { expectNoLeak, selectDevice, sgdUpdate, tf, type Variable } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { aten, withArena } from './aten.js';
import { native } from './native.js';
import { TorchBackend } from './torch-backend.js';
import { draw, missing, onCpuBackend, useTorch, values } from './torch.fixture.js';

describe.skipIf(missing)('EngineTorch', () => {
  beforeAll(useTorch);

  it('is what auto picks where it can run', async () => {
    expect(await selectDevice('auto')).toMatchObject({ name: 'torch' });
    expect(await new TorchBackend().probe()).toMatchObject({ available: true });
  });

  it('refuses a device that is not there', async () => {
    await expect(selectDevice('torch:tpu')).rejects.toThrow(/E_TORCH_DEVICE[\s\S]*torch:tpu/);
  });

  it('copies what it is given', () => {
    const data = Float32Array.of(1, 2);
    const x = tf.tensor(data);
    data[0] = 9;
    expect(values(x)).toEqual([1, 2]);
  });

  it('takes over tensors of other backends, and gives its own away', async () => {
    const other = await onCpuBackend(() => tf.tensor1d([1, 2]));
    const sum = tf.add(other, 1);
    expect(values(sum)).toEqual([2, 3]);
    expect(await onCpuBackend(() => values(tf.mul(sum, 2)))).toEqual([4, 6]);
    expect(values(tf.mul(sum, 3))).toEqual([6, 9]);
  });

  it('frees what is disposed: no tensor, no handle and no byte remains', () => {
    const before = native().stats();
    expectNoLeak(() => {
      tf.tidy(() => {
        const x = tf.variable(draw([4, 6, 6, 3], 'x'));
        const loss = () =>
          tf.mean(tf.conv2d(x as tf.Tensor4D, draw([3, 3, 3, 2], 'f') as tf.Tensor4D, 1, 'same'));
        tf.dispose(tf.variableGrads(loss as never).grads);
        x.dispose();
      });
    });
    const after = native().stats();
    expect([after.tensors, after.allocated]).toEqual([before.tensors, before.allocated]);
  });

  it('reuses freed memory, up to a bound', () => {
    native().emptyCache();
    const size = 1 << 18;
    tf.zeros([size]).dispose();
    const { hits, cached } = native().stats();
    expect(cached).toBeGreaterThanOrEqual(4 * size);
    tf.zeros([size]).dispose();
    expect(native().stats().hits).toBeGreaterThan(hits);
    native().emptyCache();
    expect(native().stats().cached).toBe(0);
    const { limit } = native().stats();
    native().setCacheLimit(1024);
    tf.zeros([size]).dispose();
    expect(native().stats().cached).toBeLessThanOrEqual(1024);
    native().setCacheLimit(limit);
  });

  it('refuses a handle that was freed, even when its slot is in use again', () => {
    const handle = native().fromArray(Float32Array.of(1), 6, false, 1);
    native().release(handle);
    const next = native().fromArray(Float32Array.of(2), 6, false, 1);
    expect(() => native().read(handle)).toThrow('after it had been freed');
    native().release(next);
  });

  it('says what is wrong in the words of libtorch, and goes on', () => {
    expect(() => withArena(() => aten('no_such_operator'))).toThrow('no operator aten::no_such_operator');
    expect(() => tf.engine().runKernel('Add', { a: tf.zeros([2]), b: tf.zeros([3]) })).toThrow(/must match/);
    expect(values(tf.add(1, 1))).toEqual([2]);
  });

  it('updates in place without touching a view that was taken before', () => {
    const p = tf.variable(
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
    ) as Variable;
    const flat = tf.reshape(p, [4]);
    const turned = tf.transpose(p);
    sgdUpdate({ params: [p], grads: [tf.ones([2, 2])], lr: 1 });
    expect(values(p)).toEqual([0, 1, 2, 3]);
    expect(values(flat)).toEqual([1, 2, 3, 4]);
    expect(values(turned)).toEqual([1, 3, 2, 4]);
  });

  it('gives the same bits for the same numbers', () => {
    const run = (): number[] => {
      const w = tf.variable(draw([3, 3, 8, 8], 'w'));
      const x = draw([4, 9, 9, 8], 'x') as tf.Tensor4D;
      const m = tf.variable(tf.zeros(w.shape));
      for (let i = 0; i < 3; i++) {
        const { grads } = tf.variableGrads(
          () => tf.mean(tf.square(tf.conv2d(x, w as tf.Tensor4D, 1, 'same'))),
          [w],
        );
        sgdUpdate({
          params: [w],
          grads: Object.values(grads),
          momentumBuffers: [m],
          lr: 0.1,
          momentum: 0.9,
          first: i === 0,
        });
      }
      return values(w);
    };
    expect(run()).toEqual(run());
  });
});

describe.runIf(missing)('without libtorch', () => {
  it('says why and what to do', async () => {
    await expect(selectDevice('torch')).rejects.toThrow(/E_DEVICE_UNAVAILABLE[\s\S]*npm run setup:torch/);
  });
});
