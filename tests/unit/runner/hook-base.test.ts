import { Hook, Runner, type HookMethods, type Mode, type Run } from '@engine/runner';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, toyOptions, toyVal, trained } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const both = (): object => ({
  ...toyVal([1]),
  testDataloader: toyVal([1]).valDataloader,
  testCfg: {},
  testEvaluator: toyVal([1]).valEvaluator,
});

describe('methods for all modes', () => {
  it('are called at the stages that have no method of their own', async () => {
    const log: string[] = [];
    class Everywhere extends Hook {
      override beforeEpoch(_run: Run, mode: Mode): void {
        log.push(`beforeEpoch ${mode}`);
      }
      override afterEpoch(_run: Run, mode: Mode): void {
        log.push(`afterEpoch ${mode}`);
      }
      override beforeIter(_run: Run, { batchIdx }: { batchIdx: number }, mode: Mode): void {
        log.push(`beforeIter ${mode} ${batchIdx}`);
      }
      override afterIter(_run: Run, payload: { batchIdx: number; outputs: unknown }, mode: Mode): void {
        log.push(`afterIter ${mode} ${payload.batchIdx} ${typeof payload.outputs}`);
      }
      override beforeValIter(): void {
        log.push('own');
      }
    }
    const hook = new Everywhere();
    const runner = new Runner(
      toyOptions(workDir, { customHooks: [hook], trainCfg: { maxEpochs: 1 }, ...both() }),
    );
    await runner.train();
    await runner.test();
    await runner.close();
    const epoch = (mode: string, before: (i: number) => string): string[] => [
      `beforeEpoch ${mode}`,
      ...[0, 1, 2, 3].flatMap((i) => [before(i), `afterIter ${mode} ${i} object`]),
      `afterEpoch ${mode}`,
    ];
    expect(log).toEqual([
      ...epoch('train', (i) => `beforeIter train ${i}`),
      ...epoch('val', () => 'own'),
      ...epoch('test', (i) => `beforeIter test ${i}`),
    ]);
    expect(hook.triggeredStages()).toHaveLength(12);
    expect(hook.triggeredStages()[0]).toBe('beforeTrainEpoch');
  });
});

describe('helpers of Hook', () => {
  class Helped extends Hook {}
  const hook = new Helped();
  const at = (epoch: number, iter: number): Run =>
    ({ epoch, iter, maxEpochs: 10, maxIters: 40 }) as unknown as Run;
  const hits = (test: (i: number) => boolean): number[] => [...Array(10).keys()].filter(test);

  it('tell every n-th epoch, iteration and batch, from a start', () => {
    expect(hits((i) => hook.everyNEpochs(at(i, 0), 3))).toEqual([2, 5, 8]);
    // MMEngine's CheckpointHook with saveBegin 5 and interval 2 saves after epochs 5, 7, 9.
    expect(hits((i) => hook.everyNEpochs(at(i, 0), 2, 5))).toEqual([4, 6, 8]);
    expect(hits((i) => hook.everyNTrainIters(at(0, i), 4))).toEqual([3, 7]);
    expect(hits((i) => hook.everyNInnerIters(i, 5))).toEqual([4, 9]);
    expect(hits((i) => hook.everyNEpochs(at(i, 0), 0) || hook.everyNInnerIters(i, -1))).toEqual([]);
  });

  it('tell the last epoch, iteration and batch', () => {
    expect(hits((i) => hook.isLastTrainEpoch(at(i, 0)))).toEqual([9]);
    expect([hook.isLastTrainIter(at(0, 38)), hook.isLastTrainIter(at(0, 39))]).toEqual([false, true]);
    const loader = { length: 4 } as never;
    expect(hits((i) => hook.endOfEpoch(loader, i))).toEqual([3]);
  });
});

describe('registerHook', () => {
  it('takes hooks and configs, before and during a run, with a priority that wins', async () => {
    const order: string[] = [];
    const named = (name: string): HookMethods => ({ beforeTrainEpoch: () => void order.push(name) });
    const runner = new Runner(toyOptions(workDir, { trainCfg: { maxEpochs: 2 } }));
    runner.registerHook(named('late'), 'LOWEST');
    runner.registerHook(named('early'), 'HIGHEST');
    runner.registerHook({ type: 'LRMonitorHook', priority: 'LOW' } as never, 20);
    runner.registerHook({
      afterTrainEpoch: (run) => (run.epoch === 0 ? run.registerHook(named('added')) : undefined),
    });
    await runner.train();
    await runner.close();
    expect(order).toEqual(['early', 'late', 'early', 'added', 'late']);
    const names = runner.hooks.map((hook) => hook.constructor.name);
    expect(names.indexOf('LRMonitorHook')).toBeLessThan(names.indexOf('IterTimerHook'));
    expect(() => runner.registerHook(5 as never)).toThrow(/registerHook/);
    expect(() => runner.registerHook({ type: 'LogerHook' } as never)).toThrow(/did you mean 'LoggerHook'/);
  });
});

describe('callHook', () => {
  it('calls stages that only a custom loop has', async () => {
    const seen: unknown[] = [];
    const hook = { afterWarmup: (_run: Run, payload: unknown) => void seen.push(payload) };
    const runner = await trained(
      toyOptions(workDir, {
        trainCfg: { maxEpochs: 1 },
        customHooks: [hook as never, { beforeTrain: (run) => run.callHook('afterWarmup', { steps: 3 }) }],
      }),
    );
    expect(seen).toEqual([{ steps: 3 }]);
    expect(runner.callHook('nobodyListens')).toBeUndefined();
  });
});
