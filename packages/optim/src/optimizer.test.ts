import { OPTIMIZERS, RandomStream } from '@engine/core';
import {
  copyTensor,
  expectNoLeak,
  tf,
  type ParamLayout,
  type ParamRef,
  type Tensor,
  type TensorState,
} from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { Adafactor, Adam, AdamW, SGD, type Optimizer } from './index.js';

function param(name: string, values: number[], requiresGrad = true): ParamRef {
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  return { name, leaf: name, variable, requiresGrad, layout: 'none', ownerKind: 'other' };
}

function free(params: ParamRef[], optimizer?: Optimizer): void {
  optimizer?.dispose();
  for (const { variable } of params) variable.dispose();
}

/** One step with the gradients given by parameter; null for none. */
function step(optimizer: Optimizer, params: ParamRef[], grads: (number[] | null)[]): void {
  const map = new Map(
    params.flatMap((p, i) => (grads[i] ? [[p.variable, tf.tensor1d(grads[i])] as const] : [])),
  );
  optimizer.step(map);
  for (const grad of map.values()) grad.dispose();
}

/** A state as it comes back from a file: other tensors, JSON that went through text. */
function saved(optimizer: Optimizer): TensorState {
  const { tensors, json } = optimizer.stateDict();
  const copies = Object.entries(tensors).map(([name, tensor]) => [name, copyTensor(tensor)] as const);
  return { tensors: Object.fromEntries(copies), json: JSON.parse(JSON.stringify(json)) };
}

const values = (params: ParamRef[]): number[][] => params.map((p) => [...p.variable.dataSync()]);

describe('an optimizer', () => {
  it('leaves frozen parameters and those without gradient alone', () => {
    const params = [param('a', [1]), param('b', [1], false), param('c', [1])];
    const optimizer = new SGD(params, { lr: 0.5, weightDecay: 0.1 });
    step(optimizer, params, [[1], [1], null]);
    expect(values(params)).toEqual([[Math.fround(1 - 0.5 * Math.fround(1.1))], [1], [1]]);
    free(params, optimizer);
  });

  it('counts updates of each parameter, for the bias correction', () => {
    const params = [param('a', [0]), param('b', [0])];
    const optimizer = new Adam(params, { lr: 0.1 });
    step(optimizer, params, [[2], null]);
    step(optimizer, params, [[2], [2]]);
    // The first step of Adam is lr·sign(g), whenever a parameter's first step comes; with a constant gradient so is
    // the second.
    expect(values(params)[0]![0]).toBeCloseTo(-0.2, 5);
    expect(values(params)[1]![0]).toBeCloseTo(-0.1, 5);
    free(params, optimizer);
  });

  it('starts momentum with the gradient, also when momentum comes later', () => {
    const params = [param('a', [0])];
    const optimizer = new SGD(params, { lr: 1, momentum: 0, dampening: 0.5 });
    step(optimizer, params, [[1]]);
    optimizer.paramGroups[0]!.momentum = 0.5;
    step(optimizer, params, [[1]]);
    expect(values(params)).toEqual([[-2]]);
    step(optimizer, params, [[1]]);
    expect(values(params)).toEqual([[-3]]);
    free(params, optimizer);
  });

  it('gives groups their own settings', () => {
    const params = [param('a', [0]), param('b', [0])];
    const optimizer = new SGD([{ params: [params[0]!], lr: 1 }, { params: [params[1]!] }], { lr: 0.5 });
    const late = param('c', [0]);
    optimizer.addParamGroup({ params: [late], lr: 0.25 });
    step(optimizer, [...params, late], [[1], [1], [1]]);
    expect(values([...params, late])).toEqual([[-1], [-0.5], [-0.25]]);
    expect(() => optimizer.addParamGroup({ params: [late] })).toThrow(/E_OPTIM_DUPLICATE_PARAM[^]*'c'/);
    free([...params, late], optimizer);
  });

  it('keeps nothing but its state, and frees that', () => {
    const params = [param('a', [1, 2]), param('b', [3])];
    expectNoLeak(() => {
      const optimizer = new AdamW(params, { amsgrad: true });
      step(optimizer, params, [[1, 2], [3]]);
      const before = tf.memory().numTensors;
      step(optimizer, params, [[1, 2], [3]]);
      expect(tf.memory().numTensors).toBe(before);
      optimizer.dispose();
    });
    free(params);
  });

  it('checks its options', () => {
    const params = [param('a', [1])];
    const build = (config: object) => () => OPTIMIZERS.build(config as never, { args: [params] });
    expect(build({ type: 'SGD', momentun: 0.9 })).toThrow(/E_CONFIG_UNKNOWN_KEY[^]*did you mean 'momentum'/);
    expect(build({ type: 'SGD', lr: -1 })).toThrow(/E_CONFIG_VALUE[^]*SGD\.lr = -1/);
    expect(build({ type: 'SGD', nesterov: true })).toThrow(/E_CONFIG_VALUE[^]*SGD\.nesterov/);
    expect(build({ type: 'AdamW', betas: [0.9, 1] })).toThrow(/E_CONFIG_VALUE[^]*AdamW\.betas/);
    expect(build({ type: 'AdamW', beta: [0.9, 1] })).toThrow(/AdamW has no option 'beta'/);
    expect(() => new SGD([], {})).toThrow(/E_OPTIM_EMPTY/);
    expect(() => new SGD([params[0]!, params[0]!])).toThrow(/E_OPTIM_DUPLICATE_PARAM/);
    expect(() => new SGD([{ params, lrMult: 2 }])).toThrow(/E_CONFIG_UNKNOWN_KEY/);
    free(params);
  });
});

describe('the state of an optimizer', () => {
  const grads = (t: number): number[][] => [[Math.sin(t), 1], [Math.cos(t)]];
  const options: Record<string, object> = {
    SGD: { momentum: 0.9 },
    Adam: { amsgrad: true },
    AdamW: {},
    Adamax: {},
    NAdam: {},
    RAdam: {},
    Adagrad: { lrDecay: 0.1 },
    Adadelta: {},
    RMSprop: { centered: true, momentum: 0.9 },
    Rprop: {},
    ASGD: { t0: 1 },
    TorchAdafactor: {},
    SparseAdam: {},
  };

  it('is tested for every optimizer', () => {
    const names = new Set(OPTIMIZERS.list(true).map((row) => row.name));
    // One class under two names.
    names.delete('Adafactor');
    // Takes no gradients; see lbfgs.test.ts.
    names.delete('LBFGS');
    expect(Object.keys(options).sort()).toEqual([...names].sort());
  });

  it.each(Object.entries(options))('continues %s to the same bits, without leaks', (type, own) => {
    const make = (params: ParamRef[]): Optimizer =>
      OPTIMIZERS.build({ type, ...own } as never, { args: [params] });
    const before = tf.memory().numTensors;
    const first = [param('a', [1, 2]), param('b', [3])];
    const whole = make(first);
    for (let t = 0; t < 3; t++) step(whole, first, grads(t));
    const state = saved(whole);
    const middle = values(first);
    // The resumed optimizer lists its parameters in another order.
    const second = [param('a', middle[0]!), param('b', middle[1]!)];
    const resumed = make([...second].reverse());
    resumed.loadStateDict(state);
    tf.dispose(state.tensors);
    for (let t = 3; t < 6; t++) {
      step(whole, first, grads(t));
      step(resumed, second, grads(t));
    }
    expect(values(second)).toEqual(values(first));
    expect(resumed.stepCount).toBe(6);
    free(first, whole);
    free(second, resumed);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('does not share storage with what it was loaded from', () => {
    const params = [param('a', [1])];
    const optimizer = new SGD(params, { lr: 0.1, momentum: 0.9 });
    step(optimizer, params, [[1]]);
    const state = saved(optimizer);
    optimizer.loadStateDict(state);
    step(optimizer, params, [[1]]);
    expect([...(state.tensors['a.momentum_buffer'] as Tensor).dataSync()]).toEqual([1]);
    tf.dispose(state.tensors);
    free(params, optimizer);
  });

  it('brings the settings of the groups, whatever the grouping', () => {
    const params = [param('a', [1]), param('b', [1])];
    const one = new SGD(params, { lr: 0.5, momentum: 0.9 });
    one.paramGroups[0]!.lr = 0.125;
    const two = new SGD([{ params: [params[0]!] }, { params: [params[1]!] }], { lr: 1, momentum: 0.9 });
    two.loadStateDict(saved(one));
    expect(two.paramGroups.map((group) => group.lr)).toEqual([0.125, 0.125]);
    two.paramGroups[1]!.lr = 3;
    expect(() => one.loadStateDict(saved(two))).toThrow(/E_OPTIM_STATE_GROUPS/);
    free(params);
  });

  it('says what does not fit, and changes nothing', () => {
    const params = [param('layer.weight', [1, 2])];
    const optimizer = new SGD(params, { momentum: 0.9 });
    step(optimizer, params, [[1, 1]]);
    const state = saved(optimizer);
    const renamed = new SGD([param('layer.wieght', [1, 2])], { momentum: 0.9, lr: 7 });
    expect(() => renamed.loadStateDict(state)).toThrow(/E_OPTIM_STATE_PARAMS[^]*did you mean 'layer.wieght'/);
    const smaller = new SGD([param('layer.weight', [1])], { momentum: 0.9, lr: 7 });
    expect(() => smaller.loadStateDict(state)).toThrow(/E_OPTIM_STATE_TENSOR[^]*\[2\][^]*\[1\]/);
    expect(() => smaller.loadStateDict({ tensors: {}, json: state.json })).toThrow(
      /E_OPTIM_STATE_TENSOR[^]*no tensor/,
    );
    expect(smaller.paramGroups[0]!.lr).toBe(7);
    tf.dispose(state.tensors);
    free(params, optimizer);
  });
});

describe('Adafactor', () => {
  /** Trajectory of one weight, as PyTorch's order of axes has it. */
  function run(layout: ParamLayout, shape: number[], toMemory: number[], toTorch: number[]): number[] {
    const torchShape = toTorch.map((axis) => shape[axis]!);
    const random = RandomStream.of(3, 'weight');
    const draw = (): Tensor =>
      tf.transpose(
        tf.tensor(
          Float32Array.from({ length: 36 }, () => random.normal()),
          torchShape,
        ),
        toMemory,
      );
    const variable = tf.variable(draw());
    const ref: ParamRef = { name: 'w', leaf: 'w', variable, requiresGrad: true, layout, ownerKind: 'other' };
    const optimizer = new Adafactor([ref]);
    for (let t = 0; t < 4; t++) optimizer.step(new Map([[variable, draw()]]));
    return [...tf.transpose(variable, toTorch).dataSync()];
  }

  it.each([
    ['IO', [9, 4], [1, 0], [1, 0]],
    ['HWIO', [3, 2, 2, 3], [2, 3, 1, 0], [3, 2, 0, 1]],
    ['HWOI', [3, 2, 2, 3], [2, 3, 1, 0], [3, 2, 0, 1]],
  ] as [ParamLayout, number[], number[], number[]][])(
    'takes its factors along the axes that PyTorch has last, in the layout %s',
    (layout, shape, toMemory, toTorch) => {
      const torch = toTorch.map((axis) => shape[axis]!);
      const same = torch.map((_, axis) => axis);
      const expected = run('none', torch, same, same);
      run(layout, shape, toMemory, toTorch).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    },
  );
});
