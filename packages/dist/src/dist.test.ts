import { PROCESS_GROUPS } from '@engine/core';
import { tf, type Tensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import {
  collectResults,
  gatherThrough,
  getDistInfo,
  inferLauncher,
  interleaveResults,
  isMainProcess,
  LocalGroup,
  masterOnly,
  readLaunchInfo,
  SingleProcessGroup,
  syncRandomSeed,
  type ProcessGroup,
  type ReduceOp,
} from './index.js';

/** Runs a program after which as many tensors exist as before. */
async function leavesNothing(program: () => Promise<void>): Promise<void> {
  const before = tf.memory().numTensors;
  await program();
  expect(tf.memory().numTensors).toBe(before);
}

/** Runs the same program on every rank. */
function onRanks<R>(worldSize: number, program: (group: ProcessGroup) => Promise<R>): Promise<R[]> {
  return Promise.all(LocalGroup.create(worldSize).map(program));
}

/** Values of a tensor, which is disposed. */
function take(tensor: Tensor): number[] {
  const values = [...tensor.dataSync()];
  tensor.dispose();
  return values;
}

describe('a group of one process', () => {
  it('is registered as single', () => {
    expect(PROCESS_GROUPS.build({ type: 'single' })).toBeInstanceOf(SingleProcessGroup);
    expect(() => PROCESS_GROUPS.build({ type: 'single', port: 1 })).toThrow(/E_CONFIG_UNKNOWN_KEY/);
  });

  it('gives back copies that outlive what it got', async () => {
    const group = new SingleProcessGroup();
    await leavesNothing(async () => {
      const x = tf.tensor([1, 2]);
      const results = [
        await group.allReduce(x, 'mean'),
        await group.broadcast(x),
        ...(await group.gather(x)),
      ];
      x.dispose();
      expect(results.map(take)).toEqual([
        [1, 2],
        [1, 2],
        [1, 2],
      ]);
    });
    expect(await group.allGatherObject({ a: 1 })).toEqual([{ a: 1 }]);
    expect(await group.broadcastObject('x')).toBe('x');
  });

  it('rejects unknown reductions and ranks', async () => {
    const group = new SingleProcessGroup();
    const x = tf.tensor([1.5]);
    await expect(group.allReduce(x, 'prodct' as ReduceOp)).rejects.toThrow(
      /E_DIST_OP[^]*did you mean 'product'/,
    );
    await expect(group.allReduce(x, 'band')).rejects.toThrow(/E_DIST_OP[^]*int32/);
    await expect(group.broadcast(x, 1)).rejects.toThrow(/E_DIST_RANK/);
    x.dispose();
  });
});

describe('collectives of several ranks', () => {
  const cases: [ReduceOp, number[]][] = [
    ['sum', [9, 12]],
    ['mean', [3, 4]],
    ['product', [15, 48]],
    ['min', [1, 2]],
    ['max', [5, 6]],
  ];
  it.each(cases)('reduce by %s', async (op, expected) => {
    const results = await onRanks(3, async (group) => {
      const x = tf.tensor([1 + 2 * group.rank, 2 + 2 * group.rank]);
      const result = take(await group.allReduce(x, op));
      x.dispose();
      return result;
    });
    expect(results).toEqual([expected, expected, expected]);
  });

  it('cut the mean of integers, and accept names in any case', async () => {
    const results = await onRanks(2, async (group) => {
      const x = tf.tensor(group.rank === 0 ? [1, 2] : [4, 5], [2], 'int32');
      return take(await group.allReduce(x, 'MEAN' as ReduceOp));
    });
    expect(results[0]).toEqual([2, 3]);
  });

  it.each([
    ['band', 0b1000],
    ['bor', 0b1110],
    ['bxor', 0b0110],
  ] as const)('reduce bits by %s', async (op, expected) => {
    const results = await onRanks(2, async (group) =>
      take(await group.allReduce(tf.scalar(group.rank === 0 ? 0b1100 : 0b1010, 'int32'), op)),
    );
    expect(results).toEqual([[expected], [expected]]);
  });

  it('gather on one rank and broadcast from one', async () => {
    await leavesNothing(async () => {
      const results = await onRanks(2, async (group) => {
        const x = tf.scalar(group.rank + 10);
        const gathered = (await group.gather(x, 1)).map(take);
        const sent = take(await group.broadcast(x, 1));
        x.dispose();
        return { gathered, sent, objects: await group.gatherObject(group.rank, 1) };
      });
      expect(results).toEqual([
        { gathered: [], sent: [11], objects: undefined },
        { gathered: [[10], [11]], sent: [11], objects: [0, 1] },
      ]);
    });
  });

  it('refuse tensors of different shapes', async () => {
    const [first] = await Promise.allSettled(
      LocalGroup.create(2).map((group) => group.allReduce(tf.zeros([1 + group.rank]))),
    );
    expect(String((first as PromiseRejectedResult).reason)).toMatch(/E_DIST_SHAPE/);
  });

  it('share a seed', async () => {
    const [a, b] = await onRanks(2, (group) => syncRandomSeed(group));
    expect(a).toBe(b);
    expect(a).toBeLessThan(2 ** 31);
    expect(await syncRandomSeed(undefined, 7)).toBe(7);
  });
});

describe('results of several ranks', () => {
  it('interleave, and are cut to the size', () => {
    expect(
      interleaveResults(
        [
          ['a', 'b'],
          ['c', 'd'],
        ],
        3,
      ),
    ).toEqual(['a', 'c', 'b']);
    expect(
      interleaveResults(
        [
          [0, 2, 4],
          [1, 3],
        ],
        5,
      ),
    ).toEqual([0, 1, 2, 3, 4]);
    expect(
      interleaveResults(
        [
          ['a', null],
          ['b', 'c'],
        ],
        9,
      ),
    ).toEqual(['a', 'b', 'c']);
  });

  it('come to rank 0 only', async () => {
    const lists = await onRanks(2, (group) => collectResults([`${group.rank}a`, `${group.rank}b`], 3, group));
    expect(lists).toEqual([['0a', '1a', '0b'], undefined]);
  });

  it('are computed on once, for all', async () => {
    let computed = 0;
    const outcomes = await onRanks(3, (group) =>
      gatherThrough(group)([group.rank], 3, (all) => {
        computed++;
        return { all };
      }),
    );
    expect(outcomes).toEqual(Array(3).fill({ all: [0, 1, 2] }));
    expect(computed).toBe(1);
  });
});

describe('a computation that fails on rank 0', () => {
  it('fails on every rank instead of leaving them waiting', async () => {
    const outcomes = await Promise.allSettled(
      LocalGroup.create(2).map((group) =>
        gatherThrough(group)([1], 2, () => {
          throw new RangeError('no such metric');
        }),
      ),
    );
    const reasons = outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason));
    expect(reasons[0]).toBe('RangeError: no such metric');
    expect(reasons[1]).toMatch(/E_DIST_RANK0[^]*no such metric/);
  });
});

describe('ranks and launchers', () => {
  it('tell the main process', () => {
    const [main, other] = LocalGroup.create(2);
    expect(getDistInfo(other)).toEqual({ rank: 1, worldSize: 2 });
    expect(getDistInfo()).toEqual({ rank: 0, worldSize: 1 });
    expect([isMainProcess(main), isMainProcess(other), isMainProcess()]).toEqual([true, false, true]);
    expect(masterOnly((x: number) => x + 1, main)(1)).toBe(2);
    expect(masterOnly((x: number) => x + 1, other)(1)).toBeUndefined();
  });

  it('are read from the environment', () => {
    expect(inferLauncher({})).toBe('none');
    expect(readLaunchInfo({})).toEqual({ launcher: 'none', rank: 0, worldSize: 1, localRank: 0 });
    expect(readLaunchInfo({ RANK: '3', WORLD_SIZE: '4', LOCAL_RANK: '1' })).toEqual({
      launcher: 'pytorch',
      rank: 3,
      worldSize: 4,
      localRank: 1,
    });
    expect(inferLauncher({ SLURM_NTASKS: '2' })).toBe('slurm');
    expect(inferLauncher({ OMPI_COMM_WORLD_LOCAL_RANK: '0' })).toBe('mpi');
    expect(() => readLaunchInfo({ WORLD_SIZE: '4', RANK: 'x' })).toThrow(/E_DIST_LAUNCH_ENV[^]*RANK = 'x'/);
  });
});
