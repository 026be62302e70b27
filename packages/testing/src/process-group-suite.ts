import type { ProcessGroup } from '@engine/dist';
import { expectNoLeak, tf, type Tensor } from '@engine/tensor';
import { expect } from 'vitest';
import { describeChecks, type ConformanceCheck } from './conformance.js';

export interface ProcessGroupSuiteOptions {
  /** Name of the group, for the test's title. */
  name: string;
  /** The groups of all ranks, in rank order; each rank's calls are made in this process. */
  create(): Promise<readonly ProcessGroup[]> | readonly ProcessGroup[];
}

/** What every process group must do, one check at a time; {@link processGroupSuite} makes tests of them. */
export function processGroupChecks({ create }: ProcessGroupSuiteOptions): ConformanceCheck[] {
  /** Runs one body per rank at the same time; a tensor left behind is a failure. */
  const onEveryRank = (body: (group: ProcessGroup, size: number) => Promise<void>): Promise<void> =>
    expectNoLeak(async () => {
      const groups = await create();
      await Promise.all(groups.map((group) => body(group, groups.length)));
      await Promise.all(groups.map((group) => group.destroy()));
    });
  const read = async (tensor: Tensor): Promise<number[]> => {
    const found = [...(await tensor.data())];
    tensor.dispose();
    return found;
  };
  const withTensor = async (values: number[], use: (tensor: Tensor) => Promise<void>): Promise<void> => {
    const tensor = tf.tensor1d(values);
    await use(tensor);
    expect([...(await tensor.data())]).toEqual(values);
    tensor.dispose();
  };
  return [
    {
      title: 'knows its rank and how many there are',
      run: () =>
        onEveryRank(async (group, size) => {
          expect(group.worldSize).toBe(size);
          expect((await group.allGatherObject(group.rank)).sort()).toEqual([...Array(size).keys()]);
        }),
    },
    {
      title: 'reduces tensors to the same result on every rank, and keeps what it was given',
      run: () =>
        onEveryRank((group, size) =>
          withTensor([group.rank + 1, 2], async (tensor) => {
            const sum = (size * (size + 1)) / 2;
            expect(await read(await group.allReduce(tensor))).toEqual([sum, 2 * size]);
            expect(await read(await group.allReduce(tensor, 'mean'))).toEqual([sum / size, 2]);
            expect(await read(await group.allReduce(tensor, 'max'))).toEqual([size, 2]);
            expect(await read(await group.allReduce(tensor, 'min'))).toEqual([1, 2]);
          }),
        ),
    },
    {
      title: 'gathers tensors in rank order, on all ranks or on one',
      run: () =>
        onEveryRank((group, size) =>
          withTensor([group.rank], async (tensor) => {
            const all = await group.allGather(tensor);
            expect((await Promise.all(all.map(read))).flat()).toEqual([...Array(size).keys()]);
            const last = await group.gather(tensor, size - 1);
            const found = (await Promise.all(last.map(read))).flat();
            expect(found).toEqual(group.rank === size - 1 ? [...Array(size).keys()] : []);
          }),
        ),
    },
    {
      title: 'broadcasts tensors and objects from any rank',
      run: () =>
        onEveryRank((group, size) =>
          withTensor([group.rank, 5], async (tensor) => {
            for (let src = 0; src < size; src++) {
              expect(await read(await group.broadcast(tensor, src))).toEqual([src, 5]);
              expect(await group.broadcastObject({ from: group.rank }, src)).toEqual({ from: src });
            }
          }),
        ),
    },
    {
      title: 'gathers objects on one rank only',
      run: () =>
        onEveryRank(async (group, size) => {
          const found = await group.gatherObject({ rank: group.rank });
          const all = [...Array(size).keys()].map((rank) => ({ rank }));
          expect(found).toEqual(group.rank === 0 ? all : undefined);
        }),
    },
    {
      title: 'lets nobody pass a barrier before all are there',
      run: async () => {
        const groups = await create();
        let arrived = 0;
        await Promise.all(
          groups.map(async (group) => {
            for (let turn = 0; turn < group.rank; turn++)
              await new Promise((resolve) => setTimeout(resolve, 5));
            arrived++;
            await group.barrier();
            expect(arrived).toBe(groups.length);
          }),
        );
        await Promise.all(groups.map((group) => group.destroy()));
      },
    },
  ];
}

/** What every process group must do. Call it at the top level of a test file. */
export function processGroupSuite(options: ProcessGroupSuiteOptions): void {
  describeChecks(`${options.name} as a process group`, processGroupChecks(options));
}
