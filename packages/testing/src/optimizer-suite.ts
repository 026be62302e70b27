import { RandomStream } from '@engine/core';
import type { Optimizer } from '@engine/optim';
import { expectNoLeak, tf, toHostArray, toTensor } from '@engine/tensor';
import type { ParamRef, Tensor, TensorState, Variable } from '@engine/tensor';
import { expect } from 'vitest';
import { describeChecks, type ConformanceCheck } from './conformance.js';

export interface OptimizerSuiteOptions {
  /** Name of the class, for the test's title. */
  name: string;
  /** Makes an optimizer of parameters; twice the same for the same parameters. */
  create(params: ParamRef[]): Optimizer;
}

const SHAPES = [[6, 5], [7], [3, 2, 3]] as const;

type Gradients = Map<Variable, Tensor>;

function random(shape: readonly number[], ...keys: (string | number)[]): Tensor {
  const stream = RandomStream.of(7, 'optimizer-suite', ...keys);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.uniform(-1, 1)),
    [...shape],
  );
}

function parameters(): ParamRef[] {
  return SHAPES.map((shape, i) => ({
    name: `layer${i}.weight`,
    leaf: 'weight',
    variable: tf.tidy(() => tf.variable(random(shape, 'start', i))),
    requiresGrad: true,
    layout: 'none',
    ownerKind: 'other',
  }));
}

/** Half the squared distance of all parameters from 2. */
function bowl(params: readonly ParamRef[]): number {
  const distances = params.flatMap(({ variable }) => [...variable.dataSync()].map((value) => value - 2));
  return distances.reduce((sum, distance) => sum + (distance * distance) / 2, 0);
}

/** The gradient of {@link bowl} for some of the parameters. */
const slope = (params: readonly ParamRef[]): Gradients =>
  new Map(params.map(({ variable }) => [variable, tf.tidy(() => tf.sub(variable, 2))]));

/** One step; optimizers that ask for a closure are given one. */
function step(optimizer: Optimizer, params: readonly ParamRef[]): void {
  const grads = slope(params);
  if ('updateHessian' in optimizer) {
    (optimizer as Optimizer & { updateHessian(grads: Gradients): void }).updateHessian(grads);
  }
  if (optimizer.needsClosure) {
    const result = optimizer.step(() => ({ loss: tf.scalar(bowl(params)), grads: slope(params) }));
    result?.dispose();
  } else optimizer.step(grads);
  for (const grad of grads.values()) grad.dispose();
}

const values = (params: readonly ParamRef[]): number[][] =>
  params.map(({ variable }) => [...variable.dataSync()]);

/** A state as it comes back from a file. */
function throughFile({ tensors, json }: TensorState): TensorState {
  const copies = Object.entries(tensors).map(
    ([name, tensor]) => [name, toTensor(toHostArray(tensor))] as const,
  );
  return { tensors: Object.fromEntries(copies), json: JSON.parse(JSON.stringify(json)) as unknown };
}

/** Runs a body with an optimizer of fresh parameters, and disposes all of it; a tensor left behind is a failure. */
function withOptimizer(
  create: OptimizerSuiteOptions['create'],
  body: (optimizer: Optimizer, params: ParamRef[]) => void,
): void {
  expectNoLeak(() => {
    const params = parameters();
    const optimizer = create(params);
    body(optimizer, params);
    optimizer.dispose();
    for (const { variable } of params) variable.dispose();
  });
}

/** What every optimizer must do, one check at a time; {@link optimizerSuite} makes tests of them. */
export function optimizerChecks({ create }: OptimizerSuiteOptions): ConformanceCheck[] {
  return [
    {
      title: 'goes down a bowl, with values that stay finite, and leaves no tensor behind',
      run: () =>
        withOptimizer(create, (optimizer, params) => {
          const before = bowl(params);
          for (let i = 0; i < 20; i++) step(optimizer, params);
          const after = bowl(params);
          expect(Number.isFinite(after)).toBe(true);
          expect(after).toBeLessThan(before);
        }),
    },
    {
      title: 'keeps no tensor of a step once it has its state',
      run: () =>
        withOptimizer(create, (optimizer, params) => {
          // Some make the last of their state with the third step.
          for (let i = 0; i < 4; i++) step(optimizer, params);
          if (optimizer.needsClosure) return;
          const { numTensors } = tf.memory();
          for (let i = 0; i < 3; i++) step(optimizer, params);
          expect(tf.memory().numTensors).toBe(numTensors);
        }),
    },
    {
      title: 'leaves a parameter that has no gradient as it is',
      run: () =>
        withOptimizer(create, (optimizer, params) => {
          if (optimizer.needsClosure) return;
          const [first, ...others] = params;
          const before = values(others);
          step(optimizer, [first!]);
          expect(values(others)).toEqual(before);
        }),
    },
    {
      title: 'goes on from its state as if it had never stopped',
      run: () =>
        withOptimizer(create, (optimizer, params) => {
          for (let i = 0; i < 3; i++) step(optimizer, params);
          const middle = values(params);
          const state = throughFile(optimizer.stateDict());
          for (let i = 0; i < 3; i++) step(optimizer, params);
          const end = values(params);
          expect(end).not.toEqual(middle);

          params.forEach(({ variable }, i) => {
            const value = tf.tensor(middle[i]!, [...SHAPES[i]!]);
            variable.assign(value);
            value.dispose();
          });
          const resumed = create(params);
          resumed.loadStateDict(state);
          for (const tensor of Object.values(state.tensors)) tensor.dispose();
          for (let i = 0; i < 3; i++) step(resumed, params);
          resumed.dispose();
          expect(values(params)).toEqual(end);
        }),
    },
    {
      title: 'takes the learning rate of the group, which schedulers set',
      run: () =>
        withOptimizer(create, (optimizer, params) => {
          for (const group of optimizer.paramGroups) {
            expect(typeof group['lr']).toBe('number');
            expect(group.params.length).toBeGreaterThan(0);
          }
          expect(optimizer.paramGroups.flatMap((group) => group.params)).toHaveLength(params.length);
        }),
    },
  ];
}

/** What every optimizer must do. Call it at the top level of a test file. */
export function optimizerSuite(options: OptimizerSuiteOptions): void {
  describeChecks(`${options.name} as an optimizer`, optimizerChecks(options));
}
