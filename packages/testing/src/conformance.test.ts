import { BaseMetric } from '@engine/evaluator';
import { LocalGroup, type ProcessGroup } from '@engine/dist';
import { SGD } from '@engine/optim';
import { tf, type ParamRef, type TensorState } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import {
  computeBackendChecks,
  datasetChecks,
  failedChecks,
  metricChecks,
  optimizerChecks,
  processGroupChecks,
} from './index.js';

const optimizer = (create: (params: ParamRef[]) => SGD) =>
  failedChecks(optimizerChecks({ name: 'SGD', create }));
const sgd = (params: ParamRef[]) => new SGD(params, { lr: 0.1, momentum: 0.9 });

describe('the suite of optimizers', () => {
  it('accepts one that works', async () => {
    expect(await optimizer(sgd)).toEqual([]);
  });

  it('rejects one that goes up, forgets its state, leaks, or moves what has no gradient', async () => {
    class Uphill extends SGD {
      override step(grads: Parameters<SGD['step']>[0]) {
        if (typeof grads === 'function') return super.step(grads);
        const turned = new Map([...grads].map(([variable, grad]) => [variable, tf.neg(grad)]));
        super.step(turned);
        for (const grad of turned.values()) grad.dispose();
      }
    }
    class Forgetful extends SGD {
      override loadStateDict(state: TensorState): void {
        super.loadStateDict(state);
        for (const group of this.paramGroups) group['momentum'] = 0;
      }
    }
    class Leaking extends SGD {
      override step(grads: Parameters<SGD['step']>[0]) {
        tf.keep(tf.scalar(1));
        return super.step(grads);
      }
    }
    class Meddling extends SGD {
      override step(grads: Parameters<SGD['step']>[0]) {
        for (const { params } of this.paramGroups)
          for (const { variable } of params) tf.tidy(() => variable.assign(tf.mul(variable, 0.9)));
        return super.step(grads);
      }
    }
    const make = (type: typeof SGD) => (params: ParamRef[]) => new type(params, { lr: 0.1, momentum: 0.9 });
    expect(await optimizer(make(Uphill))).toEqual([expect.stringMatching(/^goes down a bowl/)]);
    expect(await optimizer(make(Forgetful))).toEqual([expect.stringMatching(/^goes on from its state/)]);
    expect(await optimizer(make(Leaking))).toContain('keeps no tensor of a step once it has its state');
    expect(await optimizer(make(Meddling))).toContain('leaves a parameter that has no gradient as it is');
  });
});

class Mean extends BaseMetric<number> {
  constructor(prefix = 'mean') {
    super({ prefix });
  }
  process(_batch: unknown, samples: unknown): void {
    this.results.push(...(samples as number[]));
  }
  computeMetrics(results: number[]) {
    return { value: results.reduce((a, b) => a + b, 0) / results.length };
  }
}

describe('the suite of metrics', () => {
  const metric = (create: () => BaseMetric) =>
    failedChecks(metricChecks({ name: 'Mean', create, samples: [1, 2, 4, 9, 16] }));

  it('accepts one that works', async () => {
    expect(await metric(() => new Mean())).toEqual([]);
  });

  it('rejects a mean of batches, one that remembers, and results that cannot travel', async () => {
    class OfBatches extends Mean {
      override process(_batch: unknown, samples: unknown): void {
        const all = samples as number[];
        this.results.push(all.reduce((a, b) => a + b, 0) / all.length);
      }
    }
    class Remembering extends Mean {
      private seen = 0;
      override computeMetrics(results: number[]) {
        this.seen += results.length;
        return { value: this.seen };
      }
    }
    class Living extends BaseMetric<() => number> {
      process(_batch: unknown, samples: unknown): void {
        this.results.push(...(samples as number[]).map((value) => () => value));
      }
      computeMetrics(results: (() => number)[]) {
        return { value: results.length };
      }
    }
    expect(await metric(() => new OfBatches())).toContain(
      'gives the same values however the data are split into batches',
    );
    expect(await metric(() => new Remembering())).toEqual(['forgets its results once they are evaluated']);
    expect(await metric(() => new Living({ prefix: 'x' }))).toEqual([
      'collects plain data, which can travel to another process',
    ]);
  });
});

describe('the suite of datasets', () => {
  const dataset = (getItem: (index: number) => unknown, length = 5) =>
    failedChecks(datasetChecks({ name: 'Numbers', create: () => ({ length, getItem }) }));

  it('accepts one that works, and rejects a moody one, an empty one and one that cannot be sent', async () => {
    expect(await dataset((index) => ({ index }))).toEqual([]);
    let calls = 0;
    expect(await dataset(() => ({ call: calls++ }))).toContain(
      'gives the same item for the same index, seed and epoch, in whatever order it is asked',
    );
    expect(await dataset((index) => index, 0)).toContain('has a length, a whole number above 0');
    const sender = (index: number) => ({ index, send: () => index });
    expect(await dataset(sender)).toContain('gives items that worker threads can send');
  });
});

describe('the suite of process groups', () => {
  const groups = (change: (group: ProcessGroup) => ProcessGroup, size = 3) =>
    failedChecks(processGroupChecks({ name: 'local', create: () => LocalGroup.create(size).map(change) }));
  const but = (group: ProcessGroup, changes: Partial<ProcessGroup>): ProcessGroup =>
    new Proxy(group, {
      get: (target, key) => {
        const value = (key in changes ? changes : target)[key as keyof ProcessGroup] as unknown;
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });

  it('accepts one that works', async () => {
    expect(await groups((group) => group)).toEqual([]);
  });

  it('rejects sums that are not, ranks out of order and barriers that are none', async () => {
    const lone = (group: ProcessGroup) =>
      but(group, { allReduce: (tensor) => Promise.resolve(tensor.clone()) });
    expect(await groups(lone)).toEqual([expect.stringMatching(/^reduces tensors/)]);
    const turned = (group: ProcessGroup) =>
      but(group, {
        gatherObject: async (value) => (await group.gatherObject(value))?.reverse(),
      });
    expect(await groups(turned)).toEqual(['gathers objects on one rank only']);
    const open = (group: ProcessGroup) => but(group, { barrier: () => Promise.resolve() });
    expect(await groups(open)).toEqual(['lets nobody pass a barrier before all are there']);
  });
});

describe('the suite of compute backends', () => {
  const cpu = {
    name: 'cpu',
    priority: 0,
    tfjsName: 'cpu',
    probe: () => Promise.resolve({ available: true }),
    activate: async () => void (await tf.setBackend('cpu')),
    capabilities: () => ({ autocast: [], memoryStats: false, deterministic: true }),
  };
  const backend = (changes: object) =>
    failedChecks(computeBackendChecks({ name: 'cpu', create: () => ({ ...cpu, ...changes }) }));

  it('accepts one that works, and rejects another name and one that does not take over', async () => {
    expect(await backend({})).toEqual([]);
    expect(await backend({ name: 'gpu' })).toEqual([
      'is called as devices in configs call it, and can run here',
    ]);
    expect(await backend({ tfjsName: 'elsewhere' })).toContain('computes products, sums and convolutions');
  });
});
