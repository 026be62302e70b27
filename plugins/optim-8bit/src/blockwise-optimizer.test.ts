import { OPTIMIZERS, RandomStream } from '@engine/core';
import { AdamW, SGD, type Optimizer } from '@engine/optim';
import { copyTensor, tf, type ParamRef, type Tensor } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { Adam8bit, AdamW32bit, AdamW8bit, dequantise, LARS32bit, SGD32bit, SIGNED_MAP } from './index.js';

function random(shape: number[], ...keys: number[]): Tensor {
  const stream = RandomStream.of(3, 'values', ...keys);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.normal()),
    shape,
  );
}

function param(name: string, shape: number[]): ParamRef {
  const variable = tf.tidy(() => tf.variable(random(shape, name.length)));
  return { name, leaf: name, variable, requiresGrad: true, layout: 'none', ownerKind: 'other' };
}

function run(optimizer: Optimizer, p: ParamRef, steps: number): number[] {
  for (let step = 0; step < steps; step++) {
    const grad = random(p.variable.shape, 100, step);
    optimizer.step(new Map([[p.variable, grad]]));
    grad.dispose();
  }
  return [...p.variable.dataSync()];
}

function free(optimizer: Optimizer, ...params: ParamRef[]): void {
  optimizer.dispose();
  for (const { variable } of params) variable.dispose();
}

/** A fresh parameter after ten steps. */
function tenSteps(type: string): number[] {
  const p = param('a', [100, 50]);
  const optimizer = OPTIMIZERS.build<Optimizer>({ type, lr: 0.01 } as never, { args: [[p]] });
  const values = run(optimizer, p, 10);
  free(optimizer, p);
  return values;
}

const bytes = (optimizer: Optimizer): number =>
  Object.values(optimizer.stateDict().tensors).reduce(
    (sum, t) => sum + t.size * (t.dtype === 'bool' ? 1 : 4),
    0,
  );

describe('state in 8 bits', () => {
  it('takes a quarter of the memory, and 1 part in 64 for scales', () => {
    const [p, q] = [param('a', [64, 128]), param('b', [64, 128])];
    const before = tf.memory().numBytes;
    const small = new AdamW8bit([p]);
    run(small, p, 1);
    const taken = tf.memory().numBytes - before;
    const large = new AdamW32bit([q]);
    run(large, q, 1);
    expect(bytes(large)).toBe(2 * 4 * 64 * 128);
    expect(bytes(small)).toBe(2 * (64 * 128 + 4 * 32));
    expect(taken).toBe(bytes(small));
    free(small, p);
    free(large, q);
  });

  it('starts at 4096 elements, or where told', () => {
    const [p, q] = [param('a', [4095]), param('b', [4096])];
    const optimizer = new Adam8bit([p, q]);
    for (const each of [p, q]) run(optimizer, each, 1);
    const { tensors } = optimizer.stateDict();
    expect(tensors['a.state1']!.dtype).toBe('float32');
    expect(tensors['b.state1']!.dtype).toBe('int32');
    const quantised = ['b.state1', 'b.absmax1', 'b.state2', 'b.absmax2'];
    expect(Object.keys(tensors)).toEqual(['a.state1', 'a.state2', ...quantised]);
    free(optimizer, p, q);
  });

  it('stays near the float32 state', () => {
    const [eight, full] = [tenSteps('Adam8bit'), tenSteps('Adam32bit')];
    const error = Math.sqrt(eight.reduce((sum, value, i) => sum + (value - full[i]!) ** 2, 0) / eight.length);
    expect(error).toBeGreaterThan(0);
    // Ten steps of 0.01 each.
    expect(error).toBeLessThan(0.01);
  });

  it('is read back by dequantise', () => {
    const p = param('a', [5000]);
    const optimizer = OPTIMIZERS.build<Optimizer>({ type: 'SGD8bit', lr: 0.1, momentum: 0.9 } as never, {
      args: [[p]],
    });
    run(optimizer, p, 1);
    const { tensors } = optimizer.stateDict();
    const momentum = dequantise(
      { map: SIGNED_MAP, codes: tensors['a.state1']!, scales: tensors['a.absmax1']! },
      5000,
    );
    const grad = random([5000], 100, 0);
    const wanted = grad.dataSync();
    momentum.forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThan(0.0075 * 5));
    grad.dispose();
    free(optimizer, p);
  });

  it('does not load into parameters that are quantised otherwise', () => {
    const p = param('a', [100]);
    const optimizer = new Adam8bit([p], { min8bitSize: 10 });
    run(optimizer, p, 1);
    const { tensors, json } = optimizer.stateDict();
    const state = {
      tensors: Object.fromEntries(Object.entries(tensors).map(([k, t]) => [k, copyTensor(t)])),
      json,
    };
    const other = new Adam8bit([p]);
    expect(() => other.loadStateDict(state)).toThrow(/E_OPTIM_STATE_TENSOR[^]*'a'[^]*state1 of shape \[25\]/);
    for (const tensor of Object.values(state.tensors)) tensor.dispose();
    free(other);
    free(optimizer, p);
  });
});

describe('the rules on float32 state', () => {
  it('are those of PyTorch where PyTorch has them', () => {
    const adamw = { lr: 0.01, weightDecay: 0.1 };
    const sgd = { ...adamw, momentum: 0.9 };
    const pairs: [(p: ParamRef) => Optimizer, (p: ParamRef) => Optimizer][] = [
      [(p) => new AdamW32bit([p], adamw), (p) => new AdamW([p], adamw)],
      [(p) => new SGD32bit([p], sgd), (p) => new SGD([p], sgd)],
    ];
    for (const [buildOurs, buildReference] of pairs) {
      const [p, q] = [param('a', [300]), param('b', [300])];
      const [ours, reference] = [buildOurs(p), buildReference(q)];
      const wanted = run(reference, q, 10);
      run(ours, p, 10).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
      free(ours, p);
      free(reference, q);
    }
  });

  it('limit a step relative to the parameter', () => {
    const [p, q] = [param('a', [50]), param('b', [50])];
    const limited = new LARS32bit([p], { lr: 1, momentum: 0.9, maxUnorm: 0.1 });
    const free32 = new LARS32bit([q], { lr: 1, momentum: 0.9, maxUnorm: 0 });
    const before = [...p.variable.dataSync()];
    const after = run(limited, p, 1);
    const length = (values: number[]) => Math.hypot(...values);
    expect(length(after.map((value, i) => value - before[i]!))).toBeCloseTo(0.1 * length(before), 4);
    const grad = random([50], 100, 0);
    const whole = run(free32, q, 1).map((value, i) => before[i]! - value);
    grad.dataSync().forEach((value, i) => expect(whole[i]).toBeCloseTo(value, 5));
    grad.dispose();
    free(limited, p);
    free(free32, q);
  });

  it('say what is not implemented', () => {
    const p = param('a', [1]);
    const build = (config: object) => () => OPTIMIZERS.build(config as never, { args: [[p]] });
    expect(build({ type: 'Adam8bit', amsgrad: true })).toThrow(
      /E_CONFIG_VALUE[^]*Adam8bit\.amsgrad[^]*false, all/,
    );
    expect(build({ type: 'SGD8bit', lr: 0.1 })).toThrow(/E_CONFIG_VALUE[^]*SGD8bit\.momentum = 0/);
    expect(build({ type: 'SGD8bit', momentum: 0.9 })).toThrow(/E_CONFIG_VALUE[^]*SGD8bit\.lr/);
    expect(build({ type: 'LARS8bit', lr: 0.1, momentum: 0.9, nesterov: true })).toThrow(/LARS8bit\.nesterov/);
    expect(build({ type: 'RMSprop8bit', centered: true })).toThrow(/RMSprop8bit\.centered/);
    expect(build({ type: 'RMSprop8bit', alpha: 0 })).toThrow(/RMSprop8bit\.alpha/);
    expect(build({ type: 'Adagrad8bit', lrDecay: 0.1 })).toThrow(/Adagrad8bit\.lrDecay/);
    expect(build({ type: 'LAMB8bit', maxUnorm: 2 })).toThrow(/LAMB8bit\.maxUnorm/);
    expect(build({ type: 'Lion8bit', betas: [1, 0.9] })).toThrow(/Lion8bit\.betas/);
    p.variable.dispose();
  });
});
