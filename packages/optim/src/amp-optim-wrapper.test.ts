import { tf, type LossResult, type ParamRef, type Scalar, type Tensor, type Variable } from '@engine/tensor';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import './index.js';
import { AmpOptimWrapper, type AmpOptimWrapperOptions } from './amp-optim-wrapper.js';
import { buildOptimWrapper } from './build-optim-wrapper.js';
import type { GradScalerState } from './grad-scaler.js';
import { OptimWrapper } from './optim-wrapper.js';
import { SGD } from './optimizers/sgd.js';

let w: Variable;
const param = (): ParamRef => ({
  name: 'w',
  leaf: 'w',
  variable: w,
  requiresGrad: true,
  layout: 'none',
  ownerKind: 'other',
});
const sgd = (): SGD => new SGD([param()], { lr: 0.1, momentum: 0.9 });
const amp = (options: AmpOptimWrapperOptions = {}): AmpOptimWrapper =>
  new AmpOptimWrapper(sgd(), { dtype: 'float32', ...options });

/** Half the squared distance to a target, times `factor`: infinite where a step is to overflow. */
const loss =
  (target: number, factor = 1) =>
  (): LossResult => {
    const value = tf.mul(tf.sum(tf.square(tf.sub(w, target))), factor / 2) as Scalar;
    return { loss: value, logVars: { loss: tf.keep(value.clone()) } };
  };

function step(wrapper: OptimWrapper, compute: () => LossResult): Record<string, number> {
  const entries = Object.entries(wrapper.step(compute)).map(([name, value]) => {
    if (typeof value === 'number') return [name, value] as const;
    const read = value.dataSync()[0]!;
    value.dispose();
    return [name, read] as const;
  });
  return Object.fromEntries(entries);
}

function setWeights(values: number[]): void {
  const tensor = tf.tensor1d(values);
  w.assign(tensor);
  tensor.dispose();
}

const read = (tensor: Tensor): number[] => Array.from(tensor.dataSync());
const scaler = (wrapper: AmpOptimWrapper): GradScalerState =>
  (wrapper.stateDict().json as { lossScaler: GradScalerState }).lossScaler;

describe('AmpOptimWrapper', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  let before = 0;
  beforeEach(() => {
    before = tf.memory().numTensors;
    w = tf.tidy(() => tf.variable(tf.tensor1d([1, -2, 3])));
  });
  afterEach(() => {
    w.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  for (const options of [{ accumulativeCounts: 1 }, { accumulativeCounts: 3, clipGrad: { maxNorm: 0.5 } }]) {
    it(`a scale of a power of two changes no bit: ${JSON.stringify(options)}`, () => {
      const run = (wrapper: OptimWrapper): unknown[] => {
        setWeights([1, -2, 3]);
        wrapper.initializeCountStatus({ paramRefs: () => [] }, 0, 8);
        const logs = Array.from({ length: 8 }, (_, i) => step(wrapper, loss(i / 3)));
        wrapper.dispose();
        return [logs, read(w)];
      };
      const plain = run(new OptimWrapper(sgd(), options));
      expect(run(amp({ ...options, lossScale: 'dynamic' }))).toEqual(plain);
      expect(run(amp({ ...options, lossScale: 128 }))).toEqual(plain);
      expect(run(amp(options))).toEqual(plain);
    });
  }

  it('skips a step that overflows, backs off, and grows again', () => {
    const wrapper = amp({ lossScale: { initScale: 64, growthInterval: 2 }, clipGrad: { maxNorm: 10 } });
    const values = read(w);
    const scales: number[] = [];
    const norms: (number | undefined)[] = [];
    for (const factor of [Infinity, NaN, 1, 1, 1, 1e38]) {
      norms.push(step(wrapper, loss(0, factor)).grad_norm);
      scales.push(wrapper.lossScale);
      if (!(factor <= 1)) expect(scales.length === 6 || read(w).join() === values.join()).toBe(true);
    }
    expect(scales).toEqual([32, 16, 16, 32, 32, 16]);
    expect(norms.map((norm) => norm !== undefined)).toEqual([false, false, true, true, true, false]);
    expect(norms[2]).toBeCloseTo(Math.sqrt(14), 5);
    expect(wrapper.optimizerSteps).toBe(3);
    expect(wrapper.stepCount).toBe(6);
    wrapper.dispose();
  });

  it('an overflow in a window of accumulated gradients drops the window', () => {
    const wrapper = amp({ lossScale: 'dynamic', accumulativeCounts: 2 });
    const values = read(w);
    for (const factor of [Infinity, 1]) step(wrapper, loss(0, factor));
    expect(read(w)).toEqual(values);
    expect(wrapper.lossScale).toBe(32768);
    for (const factor of [1, 1]) step(wrapper, loss(0, factor));
    expect(read(w)).not.toEqual(values);
    wrapper.dispose();
  });

  it('a fixed scale stays, and skips all the same', () => {
    const wrapper = amp({ lossScale: 1024 });
    const values = read(w);
    step(wrapper, loss(0, Infinity));
    expect(read(w)).toEqual(values);
    expect(wrapper.lossScale).toBe(1024);
    wrapper.dispose();
  });

  it('reads one number for an update, and none without a scale', () => {
    for (const [lossScale, reads] of [
      ['dynamic', 1],
      [null, 0],
    ] as const) {
      const wrapper = amp({ lossScale, accumulativeCounts: 2, clipGrad: { maxNorm: 1 } });
      const spy = vi.spyOn(tf.backend(), 'readSync');
      const logs = [0, 1, 2, 3].map(() => wrapper.step(loss(0)));
      expect(spy.mock.calls.length).toBe(2 * reads);
      spy.mockRestore();
      for (const log of logs) for (const value of Object.values(log)) (value as Scalar).dispose();
      wrapper.dispose();
    }
  });

  it('resumes with its scale, inside a window too', () => {
    const make = (): AmpOptimWrapper =>
      amp({ lossScale: { initScale: 256, growthInterval: 3 }, accumulativeCounts: 2 });
    const one = make();
    for (let i = 0; i < 5; i++) step(one, loss(i, i === 2 ? Infinity : 1));
    const state = one.stateDict();
    expect((state.json as { lossScaler: unknown }).lossScaler).toEqual({
      scale: 128,
      growthFactor: 2,
      backoffFactor: 0.5,
      growthInterval: 3,
      growthTracker: 0,
    });
    const two = make();
    two.loadStateDict({ tensors: state.tensors, json: structuredClone(state.json) });
    const weights = read(w);
    const rest = (wrapper: AmpOptimWrapper): unknown[] => {
      setWeights(weights);
      const logs = [5, 6, 7, 8, 9, 10].map((i) => step(wrapper, loss(i)));
      return [logs, read(w), scaler(wrapper)];
    };
    const expected = rest(one);
    expect(rest(two)).toEqual(expected);
    expect(scaler(two).growthTracker).toBe(0);
    expect(two.lossScale).toBe(256);
    one.dispose();
    two.dispose();
  });

  it('takes the state of an ordinary wrapper, and an ordinary wrapper takes its', () => {
    const plain = new OptimWrapper(sgd());
    step(plain, loss(0));
    const wrapper = amp({ lossScale: 'dynamic' });
    wrapper.loadStateDict(plain.stateDict());
    expect(wrapper.lossScale).toBe(65536);
    expect(wrapper.optimizerSteps).toBe(1);
    plain.loadStateDict(wrapper.stateDict());
    plain.dispose();
    wrapper.dispose();
  });

  it('is built from a config', () => {
    const wrapper = buildOptimWrapper({ paramRefs: () => [param()] }, {
      type: 'AmpOptimWrapper',
      dtype: 'float32',
      lossScale: { initScale: 8 },
      optimizer: { type: 'SGD', lr: 0.1 },
    } as never);
    expect(wrapper).toBeInstanceOf(AmpOptimWrapper);
    expect((wrapper as AmpOptimWrapper).lossScale).toBe(8);
    expect(wrapper.optimContext(() => 7)).toBe(7);
    wrapper.dispose();
  });

  it('refuses what cannot be', () => {
    expect(() => amp({ dtype: 'bfloat16' })).toThrow(
      /\[E_AUTOCAST_DTYPE\] The compute backend 'cpu' cannot compute in bfloat16 here\.[^]*AmpOptimWrapper\.dtype = 'bfloat16'[^]*expected +float32[^]*fix +say 'float32'/,
    );
    expect(() => new AmpOptimWrapper(sgd())).toThrow(/cannot compute in a type narrower than float32/);
    expect(() => amp({ dtype: 'bfloat' as never })).toThrow(
      /There is no autocast to 'bfloat'[^]*did you mean 'bfloat16'/,
    );
    expect(() => amp({ lossScales: 1 } as never)).toThrow(/did you mean 'lossScale'/);
    expect(() => amp({ lossScale: 'static' as never })).toThrow(/AmpOptimWrapper\.lossScale/);
    for (const lossScale of [
      0,
      -1,
      NaN,
      1e39,
      { initScale: 0 },
      { growthFactor: 1 },
      { backoffFactor: 1 },
      { backoffFactor: 0 },
      { growthInterval: 0 },
    ]) {
      expect(() => amp({ lossScale }), JSON.stringify(lossScale)).toThrow(/AmpOptimWrapper\.lossScale/);
    }
    expect(() => amp({ lossScale: { growth: 2 } as never })).toThrow(/E_CONFIG_UNKNOWN_KEY/);
    expect(tf.getBackend()).toBe('cpu');
  });
});
