import { readFileSync } from 'node:fs';

import '@engine/backend-torch';
import '@engine/backend-wasm';
import * as nn from '@engine/nn';
import { expectNoLeak, probeBackends, selectDevice, tf, type Tensor } from '@engine/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Values {
  shape: number[];
  dtype: 'float32' | 'int32';
  data: number[];
}

/** Made by tools/torch_losses.py. */
interface Case {
  loss: string;
  options: Record<string, unknown>;
  inputs: Values[];
  value: Values;
  factors: Values;
  grads: Values[];
}

const cases = JSON.parse(readFileSync(new URL('./torch/losses.json', import.meta.url), 'utf8')) as Case[];

/** Losses whose inputs have an axis of classes, second in PyTorch and last here. */
const CLASSES_SECOND = new Set(['cross_entropy', 'nll_loss']);
const OTHER_NAMES: Readonly<Record<string, string>> = {
  multilabel_soft_margin_loss: 'multiLabelSoftMarginLoss',
  multilabel_margin_loss: 'multiLabelMarginLoss',
};

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const camelKeys = (options: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));

type Loss = (...tensorsThenOptions: unknown[]) => Tensor;
const lossOf = (name: string): Loss => (nn as unknown as Record<string, Loss>)[OTHER_NAMES[name] ?? camel(name)]!;

function moved(tensor: Tensor, from: number, to: number): Tensor {
  const axes = tensor.shape.map((_, i) => i);
  axes.splice(to, 0, ...axes.splice(from, 1));
  return tf.transpose(tensor, axes);
}

function expectClose(received: Tensor, expected: Values, what: string): void {
  expect(received.shape, `shape of ${what}`).toEqual(expected.shape);
  const data = received.dataSync();
  expected.data.forEach((value, i) => {
    const error = Math.abs(data[i]! - value);
    expect(error, `${what}[${i}]: ${data[i]} for ${value}`).toBeLessThanOrEqual(1e-6 + 1e-5 * Math.abs(value));
  });
}

function run({ loss, options, inputs, value, factors, grads }: Case): void {
  tf.tidy(() => {
    const classes = (given: Values): boolean => CLASSES_SECOND.has(loss) && given.dtype === 'float32';
    const tensor = (given: Values): Tensor => tf.tensor(given.data, given.shape, given.dtype);
    const given = inputs.map((each) => (classes(each) ? moved(tensor(each), 1, each.shape.length - 1) : tensor(each)));
    const found: Tensor[] = [];
    const { grads: got } = tf.engine().gradients(
      () => {
        const result = lossOf(loss)(...given, camelKeys(options));
        found[0] = tf.keep(result.clone());
        return tf.sum(tf.mul(result, tensor(factors)));
      },
      given.slice(0, grads.length),
      undefined,
      true,
    ) as { grads: Tensor[] };
    expectClose(found[0]!, value, 'value');
    found[0]!.dispose();
    got.forEach((grad, i) =>
      expectClose(classes(inputs[i]!) ? moved(grad, grad.rank - 1, 1) : grad, grads[i]!, `gradient ${i}`),
    );
  });
}

const backends = await probeBackends();

describe.each(['cpu', 'wasm', 'torch'])('losses are those of PyTorch with settings drawn at random, on %s', (device) => {
  // Only libtorch may be absent.
  const absent = device === 'torch' && !backends.find(({ name }) => name === device)?.available;
  beforeAll(async () => {
    if (!absent) await selectDevice(device);
  });
  afterAll(() => tf.disposeVariables());

  it.skipIf(absent).each(cases.map((one, i) => [i, one.loss, JSON.stringify(one.options), one] as const))(
    '%i %s %s',
    (_, __, ___, one) => expectNoLeak(() => run(one)),
  );
});
