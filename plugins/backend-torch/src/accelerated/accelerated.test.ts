import { acceleratedKernels, expectNoLeak, runAccelerated, tf, type Tensor } from '@engine/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

import { distance, draw, missing, onCpuBackend, useTorch, values } from '../torch.fixture.js';
import { fallbackCounts, resetFallbackCounts } from '../index.js';
import { CASES as FIRST_CASES, type Case } from './cases.fixture.js';
import { MORE_CASES } from './more-cases.fixture.js';

const CASES = { ...FIRST_CASES, ...MORE_CASES };

const run = (name: string, { inputs, attrs = {} }: Case): Tensor[] =>
  [tf.engine().runKernel(name, inputs, attrs as never)].flat() as Tensor[];

const kernelOf = (name: string) => acceleratedKernels().find((each) => each.name === name)!;

/** Kernels with a gradient of their own, by inputs that it exists for. */
const INPUTS: Readonly<Record<string, readonly string[]>> = {
  EngineEmbedding: ['weight'],
  EngineNll: ['logProbs'],
};
/** Kernels whose reference tfjs differentiates otherwise in corners; the kernels of their gradients are compared. */
const CORNERS =
  /^Engine(Resize|Hard|LeakyRelu|Elu|Softplus|Relu|Huber|Bce$|BatchNormTrain|SoftmaxCross|AdaptiveMax)/;
const DIFFERENTIABLE = Object.keys(CASES).filter(
  (name) =>
    !CORNERS.test(name) && (`${name}Grad` in CASES || name === 'EngineMaskedScaledDotProductAttention'),
);
/** References that are made of another accelerated kernel stand for it. */
const REFERENCE: Readonly<Record<string, string>> = {
  EngineMaskedScaledDotProductAttention: 'EngineScaledDotProductAttention',
};

/** Gradients of sum(result · cotangent) by some inputs. */
function gradients(
  name: string,
  { inputs, attrs }: Case,
  by: string[],
  compute: (c: Case) => Tensor,
): Tensor[] {
  return tf.grads((...list: Tensor[]) => {
    const given = { ...inputs, ...Object.fromEntries(by.map((key, i) => [key, list[i]!])) };
    const y = compute({ inputs: given, attrs: attrs ?? {} });
    return tf.sum(tf.mul(y, draw(y.shape, `${name}/cotangent`)));
  })(by.map((key) => inputs[key]!));
}

describe.skipIf(missing)('accelerated kernels', () => {
  beforeAll(useTorch);

  it('all have a version of their own here, and cases', () => {
    const names = acceleratedKernels().map(({ name }) => name);
    expect(names.filter((name) => !tf.getKernel(name, 'torch'))).toEqual([]);
    expect(names.filter((name) => !(name in CASES))).toEqual([]);
  });

  for (const name of Object.keys(CASES)) {
    it(`${name} agrees with its reference, and leaves only its results`, () => {
      const cases = CASES[name]!();
      resetFallbackCounts();
      for (const one of cases) {
        const received = run(name, one);
        expect(fallbackCounts()).toEqual({});
        const expected = [kernelOf(name).reference(one.inputs, one.attrs ?? {})].flat();
        expect(received.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
        expect(received.map(({ dtype }) => dtype)).toEqual(expected.map(({ dtype }) => dtype));
        received.forEach((tensor, i) =>
          expect(distance(values(tensor), values(expected[i]!)), `${name} result ${i}`).toBeLessThan(2e-5),
        );
        expectNoLeak(() => tf.dispose(run(name, one)));
      }
    });
  }

  for (const name of DIFFERENTIABLE) {
    it(`${name} has the gradient of its reference`, () => {
      for (const one of CASES[name]!()) {
        // Where a query may look at nothing tfjs's own rules give NaN; the kernel of the gradient is compared above.
        if (one.attrs?.['maskGrad'] === false) continue;
        const by = [...(INPUTS[name] ?? Object.keys(one.inputs))];
        const options = { ...one.attrs, biasGrad: 'bias' in one.inputs };
        const received = gradients(name, { ...one, attrs: options }, by, (given) => run(name, given)[0]!);
        const expected = gradients(name, one, by, ({ inputs, attrs = {} }) => {
          return [kernelOf(REFERENCE[name] ?? name).reference(inputs, attrs)].flat()[0]!;
        });
        received.forEach((tensor, i) =>
          expect(distance(values(tensor), values(expected[i]!)), `${name} by ${by[i]}`).toBeLessThan(2e-5),
        );
      }
    });
  }

  it('EngineConvTranspose2d and EngineAdaptiveMaxPool2d have the gradients of the CPU backend', async () => {
    const all = (): number[][] =>
      ['EngineConvTranspose2d', 'EngineAdaptiveMaxPool2d'].flatMap((name) =>
        CASES[name]!().flatMap((one) => {
          const attrs = { ...one.attrs };
          return gradients(name, { ...one, attrs }, Object.keys(one.inputs), ({ inputs }) => {
            return [runAccelerated<Tensor | Tensor[]>(name, inputs, attrs)].flat()[0]!;
          }).map(values);
        }),
      );
    const received = all();
    const expected = await onCpuBackend(all);
    received.forEach((gradient, i) =>
      expect(distance(gradient, expected[i]!), `gradient ${i}`).toBeLessThan(2e-5),
    );
  });
});
