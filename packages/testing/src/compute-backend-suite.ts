import { differentiate, expectNoLeak, tf, type ComputeBackend, type Tensor } from '@engine/tensor';
import { expect } from 'vitest';
import { describeChecks, type ConformanceCheck } from './conformance.js';

export interface ComputeBackendSuiteOptions {
  /** Name of the device, for the test's title. */
  name: string;
  create(): ComputeBackend;
}

const read = (tensor: Tensor): number[] => [...tensor.dataSync()].map((value) => Number(value.toFixed(4)));

/** What every compute backend that can run here must do; {@link computeBackendSuite} makes tests of it. */
export function computeBackendChecks({ name, create }: ComputeBackendSuiteOptions): ConformanceCheck[] {
  /** Activates the backend, and gives tfjs back the one that it had. */
  const active = async (body: (backend: ComputeBackend) => void | Promise<void>): Promise<void> => {
    const before = tf.getBackend() as string | undefined;
    const backend = create();
    await backend.activate();
    try {
      expect(tf.getBackend()).toBe(backend.tfjsName);
      await expectNoLeak(async () => body(backend));
    } finally {
      if (before) await tf.setBackend(before);
    }
  };
  return [
    {
      title: 'is called as devices in configs call it, and can run here',
      run: async () => {
        const backend = create();
        expect(backend.name).toBe(name);
        expect(Number.isFinite(backend.priority)).toBe(true);
        const { available, reason } = await backend.probe();
        expect(available, reason).toBe(true);
      },
    },
    {
      title: 'computes products, sums and convolutions',
      run: () =>
        active(() =>
          tf.tidy(() => {
            const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
            expect(read(tf.matMul(a, a))).toEqual([7, 10, 15, 22]);
            expect(read(tf.matMul(a, a, true, false))).toEqual([10, 14, 14, 20]);
            expect(read(tf.sum(a, 0))).toEqual([4, 6]);
            const image = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
            const filter = tf.tensor4d([1, 0, 0, -1], [2, 2, 1, 1]);
            expect(read(tf.conv2d(image, filter, 1, 'valid'))).toEqual([-4, -4, -4, -4]);
          }),
        ),
    },
    {
      title: 'computes gradients that finite differences confirm',
      run: () =>
        active(() => {
          const weights = tf.tidy(() => tf.variable(tf.tensor2d([0.5, -1, 2, 0.25], [2, 2])));
          const input = tf.tensor2d([1, -2, 0.5, 3], [2, 2]);
          const loss = (): tf.Scalar => tf.sum(tf.square(tf.tanh(tf.matMul(input, weights))));
          const { value, grads } = differentiate(loss, [weights]);
          const found = [...grads[0]!.dataSync()];
          const start = [...weights.dataSync()];
          start.forEach((_, i) => {
            const at = (shift: number): number =>
              tf.tidy(() => {
                weights.assign(
                  tf.tensor2d(
                    start.map((old, j) => (i === j ? old + shift : old)),
                    [2, 2],
                  ),
                );
                return loss().dataSync()[0]!;
              });
            expect(found[i]).toBeCloseTo((at(1e-2) - at(-1e-2)) / 2e-2, 2);
          });
          for (const tensor of [value, ...grads, weights, input]) tensor?.dispose();
        }),
    },
    {
      title: 'gives back what it was given, in every type',
      run: () =>
        active(() =>
          tf.tidy(() => {
            expect(read(tf.tensor1d([1.5, -2.25, 1e-3]))).toEqual([1.5, -2.25, 0.001]);
            expect(read(tf.tensor1d([1, -2, 2 ** 24 + 1], 'int32'))).toEqual([1, -2, 2 ** 24 + 1]);
            expect(read(tf.tensor1d([true, false], 'bool'))).toEqual([1, 0]);
          }),
        ),
    },
    {
      title: 'says what it can do, and activates again after a shutdown',
      run: () =>
        active(async (backend) => {
          const { autocast, memoryStats, deterministic } = backend.capabilities();
          expect(Array.isArray(autocast)).toBe(true);
          expect(typeof deterministic).toBe('boolean');
          if (memoryStats) expect(backend.memory!().bytes).toBeGreaterThanOrEqual(0);
          await backend.shutdown?.();
          await backend.activate();
          tf.tidy(() => {
            expect(read(tf.add(tf.tensor1d([1, 2]), 1))).toEqual([2, 3]);
          });
        }),
    },
  ];
}

/** What every compute backend must do. Call it at the top level of a test file. */
export function computeBackendSuite(options: ComputeBackendSuiteOptions): void {
  describeChecks(`${options.name} as a compute backend`, computeBackendChecks(options));
}
