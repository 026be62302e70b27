import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OptimWrapper } from '@engine/optim';
import {
  kernelFlops,
  modelSize,
  ProgressBarHook,
  Runner,
  summarizeModel,
  type HookMethods,
  type RunnerOptions,
} from '@engine/runner';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder, ToyModel, toyOptions, toyVal, trained } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => {
  folders.forEach((dispose) => dispose());
  vi.unstubAllEnvs();
});

const withHook = (config: Record<string, unknown>, changes: Partial<RunnerOptions> = {}): RunnerOptions =>
  toyOptions(workDir, { customHooks: [config as never], ...changes });
const values = (runner: Runner, key: string): number[] => [
  ...runner.messageHub.getScalar(`train/${key}`).history.values,
];

describe('LRMonitorHook', () => {
  const groups: Partial<RunnerOptions> = {
    optimWrapper: {
      optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9 },
      paramwiseCfg: { biasLrMult: 2 },
    } as never,
    paramScheduler: [{ type: 'MultiStepLR', milestones: [2], gamma: 0.1 } as never],
  };

  it('records the rate of every group in every iteration', async () => {
    const runner = await trained(withHook({ type: 'LRMonitorHook', logMomentum: true }, groups));
    const rates = (runner.optimWrapper as OptimWrapper).optimizer.paramGroups.map((_, i) =>
      values(runner, `group${i}_lr`),
    );
    const steps = (lr: number): number[] => Array.from({ length: 12 }, (_, i) => (i < 8 ? lr : lr / 10));
    const sorted = rates.sort((a, b) => a[0]! - b[0]!);
    [steps(0.1), steps(0.2)].forEach((expected, group) =>
      expected.forEach((rate, i) => expect(sorted[group]![i]).toBeCloseTo(rate, 12)),
    );
    expect(values(runner, 'group1_momentum')).toEqual(new Array(12).fill(0.9));
  });

  it('shows them in the log line', async () => {
    const runner = await trained(
      withHook(
        { type: 'LRMonitorHook' },
        { ...groups, logLevel: 'INFO', defaultHooks: { logger: { type: 'LoggerHook', interval: 4 } } },
      ),
    );
    const log = readFileSync(runner.directory.logFile, 'utf8');
    expect(log).toMatch(/group0_lr: [12]\.0000e-01 group1_lr: [12]\.0000e-01 {2}eta/);
  });

  it('adds nothing to an optimizer with one group', async () => {
    const runner = await trained(withHook({ type: 'LRMonitorHook' }));
    expect([...runner.messageHub.logScalars.keys()].filter((key) => key.includes('group'))).toEqual([]);
  });
});

describe('ThroughputMonitorHook', () => {
  it('measures every interval, with samples that are batches times their size', async () => {
    const runner = await trained(withHook({ type: 'ThroughputMonitorHook', interval: 3 }, toyVal([1])));
    const batches = values(runner, 'batches_per_second');
    expect(batches).toHaveLength(4);
    values(runner, 'samples_per_second').forEach((rate, i) => expect(rate).toBeCloseTo(batches[i]! * 3, 6));
    for (const key of ['cpu_percent', 'rss_mb', 'tensor_mb']) {
      expect(values(runner, key)).toHaveLength(4);
      for (const value of values(runner, key)) expect(value).toBeGreaterThan(0);
    }
    await expect(trained(withHook({ type: 'ThroughputMonitorHook', interval: 0 }))).rejects.toThrow(
      /interval/,
    );
  });
});

describe('MaxTimeHook', () => {
  it('saves and stops when the time is up, and a resumed launch goes on from there', async () => {
    const options = withHook({ type: 'MaxTimeHook', maxTime: '0.001s' }, { trainCfg: { maxIters: 100_000 } });
    const runner = new Runner(options);
    expect(await runner.train()).toBe('stopped');
    await runner.close();
    expect(runner.stopReason).toBe('the time limit of 0.001s');
    const resumed = await trained({ ...options, resume: true });
    expect(resumed.iter).toBeGreaterThan(runner.iter);
  });

  it.each([
    ['2ep', /a time, such as/],
    ['2 weeks', /E_DURATION/],
  ])('%s is refused', async (maxTime, message) => {
    await expect(trained(withHook({ type: 'MaxTimeHook', maxTime }))).rejects.toThrow(message);
  });
});

describe('ModelSummaryHook', () => {
  it('writes each module with shapes and counts, and the totals', async () => {
    const runner = await trained(withHook({ type: 'ModelSummaryHook' }, { logLevel: 'INFO' }));
    const log = readFileSync(runner.directory.logFile, 'utf8');
    expect(log).toMatch(/linear +Linear +weight \[2, 1\] {2}bias \[1\] +3\n/);
    expect(log).toContain('3 parameters (3 trained), 0 elements of buffers');
  });

  it('counts what is frozen apart, and stops at the depth asked for', () => {
    const model = new ToyModel();
    model.freeze('linear.weight');
    expect(modelSize(model)).toEqual({ parameters: 3, trainable: 1, buffers: 0 });
    expect(summarizeModel(model, { maxDepth: 0 })).not.toContain('Linear');
    model.freeze();
    expect(summarizeModel(model)).toContain('3 (frozen)');
    model.dispose();
  });
});

describe('ProgressBarHook', () => {
  const drawn = async (isTTY: boolean, options: Partial<RunnerOptions> = {}): Promise<string[]> => {
    const texts: string[] = [];
    const stream = { isTTY, columns: 60, write: (text: string) => texts.push(text) };
    await trained(
      toyOptions(workDir, { customHooks: [new ProgressBarHook({ stream, refresh: 0 })], ...options }),
    );
    return texts;
  };

  it('redraws one line on a terminal, and clears it in the end', async () => {
    vi.stubEnv('CI', '');
    const texts = await drawn(true, toyVal([1]));
    expect(texts).toHaveLength(12 + 12 + 1);
    expect(texts[1]).toMatch(/^\rEpoch 1\/3 \[={12} {12}\] 2\/4 {2}50% {2}eta 0:00:00/);
    expect(texts[5]).toContain('Validation');
    for (const text of texts) {
      expect(text).not.toContain('\n');
      // eslint-disable-next-line no-control-regex
      expect(text.replace(/\x1b\[K|\r/g, '').length).toBeLessThan(60);
    }
    expect(texts.at(-1)).toBe('\r\x1b[K');
    expect((await drawn(true, { trainCfg: { maxIters: 5 } }))[4]).toContain('5/5 100%');
  });

  it('is silent elsewhere, and in CI', async () => {
    vi.stubEnv('CI', '');
    expect(await drawn(false)).toEqual([]);
    vi.stubEnv('CI', 'true');
    expect(await drawn(true)).toEqual([]);
  });
});

describe('ProfilerHook', () => {
  interface Event {
    name: string;
    cat?: string;
    ts: number;
    dur: number;
    args?: Record<string, unknown>;
  }
  const traceOf = (runner: Runner, name = 'trace.json'): Event[] =>
    (JSON.parse(readFileSync(runner.directory.path(name), 'utf8')) as { traceEvents: Event[] }).traceEvents;
  const count = (events: Event[], cat: string): number => events.filter((event) => event.cat === cat).length;

  it('records the data, steps, kernels and hooks of the iterations asked for', async () => {
    const written: string[] = [];
    const onTraceReady = (path: string): void => void written.push(path);
    const runner = await trained(
      withHook({ type: 'ProfilerHook', byEpoch: false, begin: 3, profileTimes: 2, onTraceReady }),
    );
    const events = traceOf(runner);
    expect(written).toEqual([runner.directory.path('trace.json')]);
    const steps = events.filter((event) => event.cat === 'step');
    expect(steps.map((event) => event.args!.iter)).toEqual([3, 4]);
    expect(count(events, 'data')).toBe(2);
    const inside = (event: Event, outer: Event): boolean =>
      event.ts >= outer.ts - 1 && event.ts + event.dur <= outer.ts + outer.dur + 1;
    const product = events.filter((event) => event.cat === 'kernel' && /MatMul/.test(event.name));
    expect(product.length).toBeGreaterThan(0);
    for (const event of product) expect(steps.some((step) => inside(event, step))).toBe(true);
    const hooks = events.filter((event) => event.cat === 'hook').map((event) => event.name);
    expect(hooks.filter((name) => name === 'IterTimerHook.afterTrainIter')).toHaveLength(2);
    expect(hooks).toContain('CheckpointHook.afterTrainEpoch');
  });

  it('records an epoch, without kernels when told, to the file named', async () => {
    const runner = await trained(
      withHook({ type: 'ProfilerHook', begin: 2, kernels: false, jsonTracePath: 'second.json' }, toyVal([1])),
    );
    const events = traceOf(runner, 'second.json');
    expect(events.filter((event) => event.cat === 'step').map((event) => event.args!.iter)).toEqual([
      5, 6, 7, 8,
    ]);
    expect(count(events, 'kernel')).toBe(0);
  });

  it('records the rounds of a schedule, each in a file of its own', async () => {
    // Of 12 iterations: 1 skipped, then rounds of 1 waiting, 1 warming up, 2 recorded.
    const schedule = { skipFirst: 1, wait: 1, warmup: 1, active: 2, repeat: 2 };
    const runner = await trained(
      withHook({ type: 'ProfilerHook', byEpoch: false, profileTimes: 12, schedule, withFlops: true }),
    );
    const steps = (name: string): unknown[] =>
      traceOf(runner, name)
        .filter((event) => event.cat === 'step')
        .map((event) => event.args!.iter);
    expect(steps('trace.json')).toEqual([4, 5]);
    expect(steps('trace_2.json')).toEqual([8, 9]);
    expect(existsSync(runner.directory.path('trace_3.json'))).toBe(false);
    // Of [3, 2] · [2, 1]: three sums of two products.
    const flops = traceOf(runner).flatMap((event) =>
      event.args?.flops === undefined ? [] : [event.args.flops],
    );
    expect(flops).toContain(12);
  });

  it('knows the operations of products and convolutions', () => {
    expect(
      kernelFlops(
        'BatchMatMul',
        [
          [1, 4, 5],
          [1, 5, 6],
        ],
        [[1, 4, 6]],
      ),
    ).toBe(2 * 4 * 5 * 6);
    expect(
      kernelFlops(
        'BatchMatMul',
        [
          [1, 5, 4],
          [1, 6, 5],
        ],
        [[1, 4, 6]],
      ),
    ).toBe(2 * 4 * 5 * 6);
    const conv = 2 * (2 * 8 * 8) * (3 * 3 * 4) * 16;
    const [x, filter, y] = [
      [2, 8, 8, 4],
      [3, 3, 4, 16],
      [2, 8, 8, 16],
    ];
    expect(kernelFlops('EngineConv2d', [x, filter], [y])).toBe(conv);
    expect(kernelFlops('Conv2DBackpropInput', [y, filter], [x])).toBe(conv);
    expect(kernelFlops('Conv2DBackpropFilter', [x, y], [filter])).toBe(conv);
    expect(kernelFlops('EngineConv2dGrad', [y, x, filter], [x, filter, [16]])).toBe(2 * conv);
    expect(kernelFlops('DepthwiseConv2dNative', [x, [3, 3, 4, 1]], [x])).toBe(2 * 512 * 9);
    expect(kernelFlops('Relu', [x], [x])).toBeUndefined();
  });

  it('writes at the end when training ends first', async () => {
    const stop: HookMethods = {
      afterTrainIter: (run) => (run.iter === 1 ? run.requestStop('test') : undefined),
    };
    const runner = await trained(
      toyOptions(join(workDir, 'x'), {
        customHooks: [{ type: 'ProfilerHook', byEpoch: false, profileTimes: 10 } as never, stop],
      }),
    );
    expect(count(traceOf(runner), 'step')).toBe(2);
  });

  it.each([
    [{ profileTimes: 2 }, /1 epoch/],
    [{ profileTimes: 0 }, /profileTimes/],
    [{ byEpoch: false, profileTimes: 13 }, /an end by 12, not 13/],
    [{ begin: 4 }, /an end by 3/],
    [{ onTraceReady: 'log' }, /a function/],
    [{ schedule: { active: 0 } }, /schedule\.active/],
    [{ schedule: { active: 1, wait: -1 } }, /schedule\.wait/],
    [{ schedule: { active: 1, warmUp: 1 } }, /did you mean 'warmup'/],
  ])('%j is refused', async (options, message) => {
    await expect(trained(withHook({ type: 'ProfilerHook', ...options }))).rejects.toThrow(message);
  });
});
