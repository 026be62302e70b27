import {
  copyTensor,
  expectNoLeak,
  tf,
  type LossResult,
  type ParamRef,
  type Scalar,
  type TensorState,
} from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { OptimWrapper, OptimWrapperDict, SGD, type OptimWrapperOptions } from './index.js';

function param(name: string, values: number[], requiresGrad = true): ParamRef {
  const variable = tf.variable(tf.tensor1d(values));
  return { name, leaf: name, variable, requiresGrad, layout: 'none', ownerKind: 'other' };
}

/** A loss whose gradient is `slope`: the sum of w·slope. */
function slope(params: ParamRef[], grads: number[][]): () => LossResult {
  return () => {
    const parts = params.map((p, i) => tf.sum(tf.mul(p.variable, tf.tensor1d(grads[i]!))));
    return { loss: tf.addN(parts) as Scalar, logVars: {} };
  };
}

const read = (p: ParamRef): number[] => [...p.variable.dataSync()];

function wrap(params: ParamRef[], options: OptimWrapperOptions = {}, momentum = 0): OptimWrapper {
  return new OptimWrapper(new SGD(params, { lr: 1, momentum }), options);
}

function saved(wrapper: OptimWrapper): TensorState {
  const { tensors, json } = wrapper.stateDict();
  const copies = Object.entries(tensors).map(([name, tensor]) => [name, copyTensor(tensor)] as const);
  return { tensors: Object.fromEntries(copies), json: JSON.parse(JSON.stringify(json)) };
}

describe('accumulation', () => {
  it.each([
    {
      n: 3,
      max: 100,
      updates: [...Array.from({ length: 33 }, (_, i) => 3 * i + 3), 100],
      factors: [...Array(99).fill(3), 1],
    },
    { n: 4, max: 10, updates: [4, 8, 10], factors: [...Array(8).fill(4), 2, 2] },
    { n: 4, max: -1, updates: [4, 8], factors: Array(10).fill(4) },
    { n: 2, max: 4, updates: [2, 4], factors: Array(4).fill(2) },
  ])(
    'of $n steps, of $max in all, updates at window ends and divides by their length',
    ({ n, max, updates, factors }) => {
      const w = param('w', [0]);
      const wrapper = wrap([w], { accumulativeCounts: n });
      wrapper.initializeCountStatus({ paramRefs: () => [w] }, 0, max);
      const at: number[] = [];
      const seen: number[] = [];
      let open = 0;
      factors.forEach((_, i) => {
        const before = read(w)[0]!;
        const sync = wrapper.shouldSync();
        wrapper.step(slope([w], [[1]]));
        open++;
        expect(wrapper.shouldUpdate()).toBe(sync);
        if (wrapper.shouldUpdate()) {
          at.push(i + 1);
          // Every step of the window gave 1/length, so a whole window adds up to one.
          expect(read(w)[0]! - before).toBeCloseTo(-1, 5);
          seen.push(...Array<number>(open).fill(open));
          open = 0;
        } else {
          expect(read(w)[0]).toBe(before);
        }
      });
      expect(at).toEqual(updates);
      expect(seen).toEqual(factors.slice(0, seen.length));
      expect(wrapper.optimizerSteps).toBe(updates.length);
      wrapper.dispose();
      w.variable.dispose();
    },
  );

  it('resumes inside a window to the same bits', () => {
    const grad = (t: number) => [[Math.sin(t), t], [Math.cos(t)]];
    const make = (): { params: ParamRef[]; wrapper: OptimWrapper } => {
      const params = [param('a', [1, 2]), param('b', [3])];
      return { params, wrapper: wrap(params, { accumulativeCounts: 4, clipGrad: { maxNorm: 1 } }, 0.9) };
    };
    const whole = make();
    const model = { paramRefs: () => whole.params };
    whole.wrapper.initializeCountStatus(model, 0, 10);
    const run = ({ params, wrapper }: typeof whole, from: number, to: number): void => {
      for (let t = from; t < to; t++) tf.dispose(wrapper.step(slope(params, grad(t))) as tf.NamedTensorMap);
    };
    run(whole, 0, 6);
    const state = saved(whole.wrapper);
    expect(Object.keys(state.tensors)).toContain('gradient/a');
    const resumed = make();
    resumed.params.forEach((p, i) => p.variable.assign(copyTensor(whole.params[i]!.variable)));
    resumed.wrapper.loadStateDict(state);
    resumed.wrapper.initializeCountStatus(model, 6, 10);
    tf.dispose(state.tensors);
    run(whole, 6, 10);
    run(resumed, 6, 10);
    expect(resumed.params.map(read)).toEqual(whole.params.map(read));
    expect(resumed.wrapper.optimizerSteps).toBe(3);
    expect(resumed.wrapper.innerCount).toBe(10);
  });

  it('keeps apart gradients that are one tensor', () => {
    const [a, b] = [param('a', [0]), param('b', [0])];
    // A custom gradient that returns the same tensor for both inputs.
    const join = tf.customGrad((x, y) => ({
      value: tf.add(x as tf.Tensor, y as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => [dy, dy],
    }));
    const wrapper = wrap([a, b], { accumulativeCounts: 3 });
    for (let i = 0; i < 3; i++) {
      wrapper.step(() => ({ loss: tf.sum(join(a.variable, b.variable)) as Scalar, logVars: {} }));
    }
    expect([read(a)[0], read(b)[0]]).toEqual([-1, -1]);
  });
});

describe('the start of a run', () => {
  it('warns of partial windows that are lost, and of batch normalisation', async () => {
    const w = param('w', [0]);
    const plain = { paramRefs: () => [w] };
    const normed = { ...plain, namedBuffers: () => [['bn.running_mean', w.variable]] };
    const seen: unknown[] = [];
    const listen = (warning: Error & { code?: string }): void => void seen.push(warning.code);
    process.on('warning', listen);
    wrap([w]).initializeCountStatus(normed, 3, 10);
    wrap([w], { accumulativeCounts: 2 }).initializeCountStatus(plain, 4, 10);
    wrap([w], { accumulativeCounts: 2 }).initializeCountStatus(normed, 3, 10);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(seen).toEqual(['W_OPTIM_PARTIAL_WINDOW', 'W_OPTIM_ACCUMULATE_NORM']);
  });
});

describe('clipping', () => {
  const grads = [[3, -4], [12]];
  const cases: [OptimWrapperOptions['clipGrad'], number | undefined][] = [
    [{ maxNorm: 1 }, 13],
    [{ type: 'norm', maxNorm: 1, normType: 1 }, 19],
    [{ maxNorm: 1, normType: Infinity }, 12],
    [{ maxNorm: 1, normType: 'inf' }, 12],
    [{ maxNorm: 1, normType: 3 }, (27 + 64 + 1728) ** (1 / 3)],
  ];
  it.each(cases)('by the norm %j scales all gradients together', (clipGrad, norm) => {
    const params = [param('a', [0, 0]), param('b', [0])];
    const wrapper = wrap(params, { clipGrad });
    const logVars = wrapper.step(slope(params, grads)) as { grad_norm: Scalar };
    expect(logVars.grad_norm.dataSync()[0]).toBeCloseTo(norm!, 4);
    params.flatMap(read).forEach((value, i) => expect(value).toBeCloseTo(-grads.flat()[i]! / norm!, 5));
  });

  it('leaves small gradients alone, and cuts by value', () => {
    const params = [param('a', [0, 0]), param('b', [0])];
    wrap(params, { clipGrad: { maxNorm: 100 } }).step(slope(params, grads));
    expect(params.map(read)).toEqual([[-3, 4], [-12]]);
    const logVars = wrap(params, { clipGrad: { clipValue: 3.5 } }).step(slope(params, grads));
    expect(params.map(read)).toEqual([[-6, 7.5], [-15.5]]);
    expect(logVars).toEqual({});
  });

  it('refuses gradients that are not finite where it is told to', () => {
    const params = [param('a', [0, 0]), param('b', [0])];
    const wrapper = wrap(params, { clipGrad: { maxNorm: 1, errorIfNonfinite: true } });
    for (const bad of [NaN, Infinity]) {
      const compute = slope(params, [[1, bad], [1]]);
      expect(() => wrapper.step(compute)).toThrow(/E_OPTIM_NONFINITE[^]*norm = (NaN|Infinity)/);
      expect(params.map(read)).toEqual([[0, 0], [0]]);
    }
    wrapper.step(slope(params, [[0.5, 0], [0]]));
    expect(params.map(read)).toEqual([[-0.5, 0], [0]]);
  });

  it('checks its options', () => {
    const params = [param('a', [0])];
    expect(() => wrap(params, { clipGrad: {} })).toThrow(/E_CONFIG_VALUE[^]*clipGrad\.maxNorm/);
    expect(() => wrap(params, { clipGrad: { maxNorm: 1, clipValue: 1 } })).toThrow(/no option 'maxNorm'/);
    expect(() => wrap(params, { clipGrad: { type: 'nrm' as never, maxNorm: 1 } })).toThrow(/clipGrad\.type/);
    expect(() => wrap(params, { accumulativeCounts: 0 })).toThrow(/accumulativeCounts = 0/);
    expect(() => wrap(params, { accumulateCounts: 2 } as never)).toThrow(/E_CONFIG_UNKNOWN_KEY/);
  });
});

describe('a step', () => {
  it('leaves only what it reports', () => {
    const params = [param('a', [0, 0]), param('b', [0])];
    const wrapper = wrap(params, { accumulativeCounts: 2, clipGrad: { maxNorm: 1 } }, 0.9);
    const once = (): void => {
      const compute = slope(params, [[1, 1], [1]]);
      const logVars = wrapper.step(() => {
        const { loss } = compute();
        return { loss, logVars: { loss: tf.keep(tf.clone(loss)) } };
      });
      tf.dispose(logVars as tf.NamedTensorMap);
    };
    once();
    once();
    expectNoLeak(() => {
      once();
      once();
    });
  });

  it('gives no gradient to frozen parameters and those outside the loss', () => {
    const params = [param('a', [0]), param('b', [0], false), param('c', [0])];
    const wrapper = new OptimWrapper(new SGD(params, { lr: 1, weightDecay: 0 }));
    wrapper.step(slope(params.slice(0, 2), [[1], [1]]));
    expect(params.map(read)).toEqual([[-1], [0], [0]]);
    params[1]!.requiresGrad = true;
    wrapper.step(slope(params.slice(0, 2), [[1], [1]]));
    expect(params.map(read)).toEqual([[-2], [-1], [0]]);
  });

  it('says what is wrong with a loss, and can go on', () => {
    const params = [param('a', [1, 2])];
    const wrapper = wrap(params);
    expectNoLeak(() => {
      const vector = () => ({ loss: tf.mul(params[0]!.variable, 2) as never, logVars: {} });
      expect(() => wrapper.step(vector)).toThrow(/E_OPTIM_LOSS[^]*\[2\]/);
      expect(() => wrapper.step(() => ({ loss: tf.scalar(1), logVars: {} }))).toThrow(/E_OPTIM_NO_GRADIENT/);
      expect(() => {
        wrapper.step(() => {
          tf.mul(params[0]!.variable, 2);
          throw new RangeError('in the model');
        });
      }).toThrow('in the model');
    });
    wrapper.step(slope(params, [[1, 1]]));
    expect(read(params[0]!)).toEqual([0, 1]);
    params[0]!.requiresGrad = false;
    expect(() => wrapper.step(slope(params, [[1, 1]]))).toThrow(/E_OPTIM_NO_GRADIENT[^]*frozen/);
  });

  it('lets a reducer replace the gradients once per update', () => {
    const params = [param('a', [0])];
    const wrapper = wrap(params, { accumulativeCounts: 2 });
    let calls = 0;
    wrapper.setGradReducer((grads) => {
      calls++;
      return new Map([...grads].map(([variable, grad]) => [variable, tf.mul(grad, 10)]));
    });
    expectNoLeak(() => {
      for (let i = 0; i < 4; i++) wrapper.step(slope(params, [[1]]));
    });
    expect(calls).toBe(2);
    expect(read(params[0]!)).toEqual([-20]);
  });
});

describe('what a wrapper reports', () => {
  it('is one rate per group, and the base rate with several groups', () => {
    const [a, b] = [param('a', [0]), param('b', [0])];
    const one = new OptimWrapper(new SGD([a, b], { lr: 0.5, momentum: 0.9 }));
    expect(one.getLr()).toEqual({ lr: [0.5] });
    expect(one.getMomentum()).toEqual({ momentum: [0.9] });
    const two = new OptimWrapper(new SGD([{ params: [a], lr: 0.1 }, { params: [b] }], { lr: 0.5 }));
    expect(two.getLr()).toEqual({ base_lr: [0.5], lr: [0.1, 0.5] });
    expect(two.paramGroups).toHaveLength(3);
    two.baseParamSettings!.lr = 0.25;
    const other = new OptimWrapper(new SGD([{ params: [a], lr: 0.1 }, { params: [b] }], { lr: 0.5 }));
    other.loadStateDict(saved(two));
    expect(other.getLr()).toEqual({ base_lr: [0.25], lr: [0.1, 0.5] });
  });
});

describe('several wrappers', () => {
  it('are stepped one by one, and saved together', () => {
    const [a, b] = [param('a', [0]), param('b', [0])];
    const dict = new OptimWrapperDict({
      gen: wrap([a], {}, 0.9),
      disc: wrap([b], { accumulativeCounts: 2 }, 0.5),
    });
    expect(() => dict.step()).toThrow(/E_OPTIM_WRAPPER_DICT_STEP[^]*gen, disc/);
    expect(() => dict.get('dics')).toThrow(/E_OPTIM_WRAPPER_NAME[^]*did you mean 'disc'/);
    dict.get('gen').step(slope([a, b], [[1], [1]]));
    dict.get('disc').step(slope([a, b], [[1], [1]]));
    expect([read(a)[0], read(b)[0]]).toEqual([-1, 0]);
    expect(dict.getLr()).toEqual({ 'gen.lr': [1], 'disc.lr': [1] });
    expect(dict.getMomentum()).toEqual({ 'gen.momentum': [0.9], 'disc.momentum': [0.5] });
    const state = dict.stateDict();
    expect(Object.keys(state.tensors).sort()).toEqual(['disc/gradient/b', 'gen/optimizer/a.momentum_buffer']);
    const again = new OptimWrapperDict({
      gen: wrap([a], {}, 0.9),
      disc: wrap([b], { accumulativeCounts: 2 }, 0.5),
    });
    again.loadStateDict({ ...state, json: JSON.parse(JSON.stringify(state.json)) });
    again.get('gen').step(slope([a, b], [[1], [1]]));
    again.get('disc').step(slope([a, b], [[1], [1]]));
    expect(read(a)[0]).toBeCloseTo(-2.9, 6);
    expect(read(b)[0]).toBe(-1);
    expect(() => new OptimWrapperDict({ gen: {} as never })).toThrow(/E_CONFIG_VALUE/);
    dict.dispose();
    again.dispose();
  });
});
