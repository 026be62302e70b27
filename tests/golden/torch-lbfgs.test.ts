import { LBFGS, OptimWrapper } from '@engine/optim';
import { expectNoLeak, tf, type ParamRef, type Scalar, type Variable } from '@engine/tensor';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Made by tools/torch_optimizers.py. */
interface Golden {
  features: number[][];
  labels: number[];
  cases: {
    problem: 'logistic' | 'rosenbrock';
    options: Record<string, unknown>;
    expected: { params: number[][]; loss: number; calls: number }[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('./torch/lbfgs.json', import.meta.url), 'utf8')) as Golden;

function camelCase(options: Record<string, unknown>): Record<string, unknown> {
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
}

function logistic([weight, bias]: Variable[]): Scalar {
  const features = tf.tensor2d(golden.features);
  const out = tf.add(tf.reshape(tf.matMul(features, tf.reshape(weight!, [-1, 1])), [-1]), bias!);
  const margin = tf.mul(tf.tensor1d(golden.labels), out);
  const penalty = tf.mul(tf.sum(tf.square(weight!)), 0.02);
  return tf.add(tf.mean(tf.softplus(tf.neg(margin))), penalty) as Scalar;
}

function rosenbrock([point]: Variable[]): Scalar {
  const [x, y] = tf.split(point!, 2) as [Scalar, Scalar];
  const valley = tf.mul(tf.square(tf.sub(y, tf.square(x))), 10);
  return tf.sum(tf.add(valley, tf.square(tf.sub(1, x))));
}

const refs = (variables: Variable[]): ParamRef[] =>
  variables.map((variable, i) => ({
    name: `p${i}`,
    leaf: 'weight',
    variable,
    requiresGrad: true,
    layout: 'none',
    ownerKind: 'other',
  }));

describe('LBFGS follows PyTorch with settings drawn at random', () => {
  golden.cases.forEach(({ problem, options, expected }, number) => {
    it(`${number}: ${problem} ${JSON.stringify(options)}`, () => {
      expectNoLeak(() => {
        const first = problem === 'logistic' ? [[0, 0, 0, 0, 0], [0.5]] : [[-1.2, 1]];
        const variables = first.map((values) => tf.tidy(() => tf.variable(tf.tensor1d(values))));
        const objective = problem === 'logistic' ? logistic : rosenbrock;
        const wrapper = new OptimWrapper(new LBFGS(refs(variables), camelCase(options)));
        let calls = 0;
        for (const step of expected) {
          const { loss } = wrapper.step(() => {
            calls++;
            const value = objective(variables);
            return { loss: value, logVars: { loss: tf.keep(value.clone()) } };
          });
          const value = (loss as Scalar).dataSync()[0]!;
          (loss as Scalar).dispose();
          expect(calls).toBe(step.calls);
          expect(Math.abs(value - step.loss)).toBeLessThanOrEqual(1e-6 + 1e-5 * Math.abs(step.loss));
          step.params.forEach((values, i) => {
            const got = variables[i]!.dataSync();
            values.forEach((wanted, k) => {
              const message = `p${i}[${k}]: ${got[k]} for ${wanted}`;
              expect(Math.abs(got[k]! - wanted), message).toBeLessThanOrEqual(2e-6 + 3e-5 * Math.abs(wanted));
            });
          });
        }
        wrapper.dispose();
        for (const variable of variables) variable.dispose();
      });
    });
  });
});
