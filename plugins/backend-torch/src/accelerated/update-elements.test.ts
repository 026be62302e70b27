import {
  Adadelta,
  Adagrad,
  Adamax,
  ASGD,
  NAdam,
  RAdam,
  RMSprop,
  Rprop,
  type Optimizer,
  type ParamsInput,
} from '@engine/optim';
import { tf, updateElements, type ParamRef, type Variable } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { distance, draw, missing, onCpuBackend, useTorch, values } from '../torch.fixture.js';

/** Sizes around those of the blocks and pieces that the kernel works on. */
const SHAPES = [[5], [3, 341], [32, 33], [1], [2, 3, 1100], [], [17_000]];

const OPTIMIZERS: Record<string, (params: ParamsInput) => Optimizer> = {
  Adamax: (p) => new Adamax(p, { lr: 0.05, weightDecay: 0.01 }),
  NAdam: (p) => new NAdam(p, { lr: 0.05, weightDecay: 0.1, decoupledWeightDecay: true }),
  RAdam: (p) => new RAdam(p, { lr: 0.05, betas: [0.8, 0.9], maximize: true }),
  Adagrad: (p) => new Adagrad(p, { lr: 0.1, lrDecay: 0.1, initialAccumulatorValue: 0.1 }),
  Adadelta: (p) => new Adadelta(p, { weightDecay: 0.01 }),
  RMSprop: (p) => new RMSprop(p, { lr: 0.01, momentum: 0.9, centered: true }),
  Rprop: (p) => new Rprop(p, {}),
  ASGD: (p) => new ASGD(p, { lr: 0.05, t0: 2 }),
};

function run(make: (params: ParamsInput) => Optimizer, steps: number): number[] {
  const params = SHAPES.map((shape, i): ParamRef => {
    const first = draw(shape, `init${i}`);
    const variable = tf.variable(first);
    first.dispose();
    return {
      name: `p${i}`,
      leaf: 'weight',
      variable,
      requiresGrad: true,
      layout: 'none',
      ownerKind: 'other',
    };
  });
  const optimizer = make(params);
  for (let step = 0; step < steps; step++) {
    const grads = new Map(params.map((p, i) => [p.variable, draw(SHAPES[i]!, `grad${step}.${i}`)]));
    optimizer.step(grads);
    for (const grad of grads.values()) grad.dispose();
  }
  const found = params.flatMap(({ variable }) => values(variable));
  optimizer.dispose();
  for (const { variable } of params) variable.dispose();
  return found;
}

describe.skipIf(missing)('engine::update_elements', () => {
  beforeAll(useTorch);

  for (const [name, make] of Object.entries(OPTIMIZERS)) {
    it(`${name} ends where it ends on tfjs's CPU backend`, async () => {
      const received = run(make, 8);
      expect(distance(received, await onCpuBackend(() => run(make, 8)))).toBeLessThan(2e-5);
    });
  }

  it('updates all parameters of a group in one call, and nothing else runs', async () => {
    const params = SHAPES.map((shape, i) => tf.variable(draw(shape, `init${i}`)));
    const grads = SHAPES.map((shape, i) => draw(shape, `grad${i}`));
    const refs = params.map((variable, i): ParamRef => ({
      name: `p${i}`,
      leaf: 'weight',
      variable,
      requiresGrad: true,
      layout: 'none',
      ownerKind: 'other',
    }));
    const optimizer = new Adamax(refs);
    const step = (): void => void optimizer.step(new Map(params.map((p, i) => [p, grads[i]!])));
    step();
    const { kernelNames } = await tf.profile(step);
    expect(kernelNames).toEqual(['EngineUpdateElements']);
    optimizer.dispose();
    tf.dispose([...params, ...grads]);
  });

  it('does not reach a snapshot that was taken as a view', () => {
    const p: Variable[] = [tf.variable(tf.tensor2d([[1, 2, 3]]))];
    const view = tf.slice(p[0]!, [0, 1], [1, 2]);
    updateElements({ p }, ({ p: x }) => ({ p: x.mul(10) }));
    expect(values(view)).toEqual([2, 3]);
    expect(values(p[0]!)).toEqual([10, 20, 30]);
    tf.dispose([view, ...p]);
  });

  it('gives NaN where an operand of max and min is NaN', () => {
    const x = [tf.variable(tf.tensor1d([NaN, 1, 2]))];
    const y = [tf.tensor1d([1, NaN, 5])];
    updateElements({ x, y }, (e) => ({ x: e.x.max(e.y) }));
    expect(values(x[0]!)).toEqual([NaN, NaN, 5]);
    tf.dispose([...x, ...y]);
  });
});
