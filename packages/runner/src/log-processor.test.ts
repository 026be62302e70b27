import { MessageHub } from '@engine/core';
import { describe, expect, it } from 'vitest';
import { LogProcessor, type LogProcessorOptions } from './log-processor.js';
import type { Run } from './run.js';

interface Shape {
  epoch?: number;
  iter?: number;
  maxEpochs?: number;
  maxIters?: number;
  batches?: number;
  byEpoch?: boolean;
}

/** A run as far as the log processor looks at it. */
function runWith(hub: MessageHub, shape: Shape = {}): Run {
  const { epoch = 1, iter = 22, maxEpochs = 12, maxIters = 240, batches = 20, byEpoch = true } = shape;
  const loop = { dataloader: { length: batches }, byEpoch };
  return {
    messageHub: hub,
    epoch,
    iter,
    maxEpochs,
    maxIters,
    trainLoop: loop,
    valLoop: loop,
    testLoop: loop,
  } as unknown as Run;
}

function trainHub(): MessageHub {
  const hub = new MessageHub('test');
  hub.updateScalar('train/lr', 0.1);
  hub.updateScalar('train/data_time', 1);
  hub.updateScalar('train/loss', 1);
  hub.updateScalar('train/loss_cls', 1);
  hub.updateScalar('train/time', 1);
  hub.updateInfo('eta', 40);
  return hub;
}

// Shapes from mmengine's log lines, section 0.6 of the behaviour reference.
describe('getLogAfterIter', () => {
  it('prints a training line by epoch', () => {
    const { line, tag } = new LogProcessor().getLogAfterIter(runWith(trainHub()), 2, 'train');
    expect(line).toBe(
      'Epoch(train)  [2][ 3/20]  lr: 1.0000e-01  eta: 0:00:40  time: 1.0000  data_time: 1.0000  loss: 1.0000  loss_cls: 1.0000',
    );
    expect(tag).toEqual({ lr: 0.1, data_time: 1, loss: 1, loss_cls: 1, time: 1, epoch: 2, iter: 23 });
  });

  it('shows the peak of memory where the backend counts it', () => {
    let peakBytes = 100.7 * 2 ** 20;
    const backend = {
      capabilities: () => ({ memoryStats: true }),
      memory: () => ({ bytes: 1, peakBytes }),
    };
    const run = { ...runWith(trainHub()), backend } as unknown as Run;
    const { line, tag } = new LogProcessor().getLogAfterIter(run, 2, 'train');
    expect(line).toContain('data_time: 1.0000  memory: 100  loss: 1.0000');
    expect(tag.memory).toBe(100);
    peakBytes = 3 * 2 ** 20;
    expect(new LogProcessor().getLogAfterIter(run, 2, 'train').tag.memory).toBe(3);
    const blind = {
      ...run,
      backend: { ...backend, capabilities: () => ({ memoryStats: false }) },
    } as unknown as Run;
    expect(new LogProcessor().getLogAfterIter(blind, 2, 'train').tag).not.toHaveProperty('memory');
  });

  it('prints a training line by iteration', () => {
    const { line, tag } = new LogProcessor().getLogAfterIter(
      runWith(trainHub(), { byEpoch: false }),
      22,
      'train',
    );
    expect(line.startsWith('Iter(train) [ 23/240]  lr: 1.0000e-01  eta: 0:00:40  ')).toBe(true);
    expect(tag).not.toHaveProperty('epoch');
  });

  it('leaves the place of the learning rate empty in validation', () => {
    const hub = new MessageHub('test');
    hub.updateScalar('val/data_time', 0.5);
    hub.updateScalar('val/time', 1);
    hub.updateInfo('eta', 15);
    const line = new LogProcessor().getLogAfterIter(runWith(hub), 4, 'val').line;
    expect(line).toBe('Epoch(val)  [1][ 5/20]    eta: 0:00:15  time: 1.0000  data_time: 0.5000  ');
  });

  it('averages what matches the pattern over the window and shows the rest as it is', () => {
    const hub = trainHub();
    hub.updateScalar('train/loss', 3);
    hub.updateScalar('train/acc', 0.25);
    hub.updateScalar('train/acc', 0.75);
    const { tag } = new LogProcessor({ windowSize: 10 }).getLogAfterIter(runWith(hub), 2, 'train');
    expect(tag).toMatchObject({ loss: 2, acc: 0.75 });
    expect(new LogProcessor({ windowSize: 1 }).getLogAfterIter(runWith(hub), 2, 'train').tag.loss).toBe(3);
  });

  it('separates several learning rates by one space', () => {
    const hub = new MessageHub('test');
    hub.updateScalar('train/base_lr', 0.2);
    hub.updateScalar('train/lr', 0.1);
    expect(new LogProcessor().getLogAfterIter(runWith(hub), 2, 'train').line).toBe(
      'Epoch(train)  [2][ 3/20]  base_lr: 2.0000e-01 lr: 1.0000e-01  ',
    );
  });

  it('keeps prefixes for visual backends when asked', () => {
    const { tag } = new LogProcessor({ logWithHierarchy: true }).getLogAfterIter(
      runWith(trainHub()),
      2,
      'train',
    );
    expect(Object.keys(tag)).toContain('train/loss');
  });
});

describe('getLogAfterEpoch', () => {
  it('prints metrics, then what is no scalar, then times', () => {
    const hub = new MessageHub('test');
    hub.updateScalar('val/data_time', 0.5);
    hub.updateScalar('val/time', 1);
    hub.updateScalar('val/accuracy/top1', 41.5);
    hub.updateInfo('val/names', 'a b');
    const { line, tag } = new LogProcessor().getLogAfterEpoch(runWith(hub), 19, 'val');
    expect(line).toBe(
      'Epoch(val) [1][20/20]    accuracy/top1: 41.5000  names: a b  data_time: 0.5000  time: 1.0000',
    );
    expect(tag).toEqual({ 'accuracy/top1': 41.5, data_time: 0.5, time: 1 });
  });

  it('prints tests without an epoch', () => {
    const hub = new MessageHub('test');
    hub.updateScalar('test/acc', 1);
    expect(new LogProcessor().getLogAfterEpoch(runWith(hub), 19, 'test').line).toBe(
      'Epoch(test) [20/20]    acc: 1.0000',
    );
  });
});

describe('custom statistics', () => {
  const custom = (options: LogProcessorOptions): Record<string, unknown> => {
    const hub = new MessageHub('test');
    for (const value of [4, 2, 6]) hub.updateScalar('train/loss', value);
    return new LogProcessor(options).getLogAfterIter(runWith(hub, { iter: 2 }), 1, 'train').tag;
  };

  it('adds an entry under its own name, over a window of its own', () => {
    const tag = custom({
      customCfg: [{ dataSrc: 'loss', methodName: 'min', windowSize: 'global', logName: 'loss_min' }],
    });
    expect(tag).toMatchObject({ loss: 4, loss_min: 2 });
  });

  it('replaces the default entry without one', () => {
    expect(custom({ customCfg: [{ dataSrc: 'loss', methodName: 'mean', windowSize: 'epoch' }] }).loss).toBe(
      4,
    );
  });

  it.each([
    [
      [
        { dataSrc: 'a', methodName: 'min' },
        { dataSrc: 'a', methodName: 'max' },
      ],
      /logName/,
    ],
    [[{ dataSrc: 'a', methodName: 'min', windowSize: 'week' }], /windowSize/],
    [[{ dataSrc: 'a', metodName: 'min' }], /did you mean 'methodName'/],
  ])('refuses %j', (customCfg, message) => {
    expect(() => new LogProcessor({ customCfg: customCfg as never })).toThrow(message);
  });

  it('refuses a window of an epoch where there are none', () => {
    const customCfg = [{ dataSrc: 'a', methodName: 'min', windowSize: 'epoch' as const }];
    expect(() => new LogProcessor({ byEpoch: false, customCfg })).toThrow(/counts iterations/);
  });
});
