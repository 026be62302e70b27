import { readFileSync } from 'node:fs';

import { hostArray, type HostArray } from '@engine/core';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  Linear,
  MaxPool2d,
  ReLU,
  crossEntropy,
  fromTorchLayout,
  l1Loss,
  mseLoss,
  toTorchLayout,
  type Module,
} from '@engine/nn';
import { expectNoLeak, selectDevice, tf, toHostArray, toTensor, type Tensor } from '@engine/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goldenPath, readGolden } from './golden.js';

interface Case {
  name: string;
  layer: string;
  options: Record<string, unknown>;
  train: boolean;
}

const { cases } = readGolden<{ cases: Case[] }>('layers.json');

function readSafetensors(path: string): Map<string, HostArray> {
  const file = readFileSync(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const found = new Map<string, HostArray>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets.map((offset) => offset + 8 + headerLength) as [number, number];
    const bytes = Uint8Array.from(file.subarray(start, end)).buffer;
    const data =
      entry.dtype === 'F32'
        ? new Float32Array(bytes)
        : entry.dtype === 'I64'
          ? Int32Array.from(new BigInt64Array(bytes), Number)
          : entry.dtype === 'I32'
            ? new Int32Array(bytes)
            : undefined;
    if (!data) throw new Error(`golden file holds ${entry.dtype}, which this reader does not know: ${name}`);
    found.set(name, hostArray(data, entry.shape));
  }
  return found;
}

const arrays = cases.length > 0 ? readSafetensors(goldenPath('layers.safetensors')) : new Map<string, HostArray>();

function camel(options: Record<string, unknown>): Record<string, unknown> {
  const rename = (key: string): string => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [rename(key), value]));
}

type Build = (options: never) => Module;
const LAYERS: Record<string, Build> = {
  Conv2d: (o) => new Conv2d(o),
  Linear: (o) => new Linear(o),
  BatchNorm2d: (o) => new BatchNorm2d(o),
  BatchNorm1d: (o) => new BatchNorm1d(o),
  MaxPool2d: (o) => new MaxPool2d(o),
  AvgPool2d: (o) => new AvgPool2d(o),
  AdaptiveAvgPool2d: (o) => new AdaptiveAvgPool2d(o),
  ReLU: (o) => new ReLU(o),
};

type Loss = (prediction: Tensor, target: Tensor, options: never) => Tensor;
const LOSSES: Record<string, Loss> = { cross_entropy: crossEntropy, mse_loss: mseLoss, l1_loss: l1Loss };

/** Layers that PyTorch has and this package has not (yet); a new one in the golden file must be named here or built. */
const NOT_BUILT = new Set([
  'ConvTranspose2d', 'GroupNorm', 'LayerNorm', 'InstanceNorm2d', 'Embedding', 'MultiheadAttention', 'GELU', 'SiLU',
  'Hardswish', 'LeakyReLU', 'ELU', 'Softplus', 'Sigmoid', 'Tanh', 'LogSoftmax', 'interpolate', 'smooth_l1_loss',
  'huber_loss', 'binary_cross_entropy_with_logits', 'nll_loss', 'kl_div',
]);

const array = (name: string): HostArray => {
  const found = arrays.get(name);
  if (!found) throw new Error(`golden file has no ${name}`);
  return found;
};

/** From PyTorch's order of axes (channels second) to ours (channels last), for images and for class maps. */
const toLast = (tensor: Tensor): Tensor => (tensor.rank === 4 ? tf.transpose(tensor, [0, 2, 3, 1]) : tensor);
const toFirst = (tensor: Tensor): Tensor => (tensor.rank === 4 ? tf.transpose(tensor, [0, 3, 1, 2]) : tensor);

/** Largest deviation in units of the tolerance. */
function deviation(received: Tensor, expected: HostArray, added?: HostArray): number {
  const data = toHostArray(received).data;
  let worst = 0;
  for (let i = 0; i < data.length; i++) {
    const want = Number(expected.data[i]);
    const got = Number(data[i]) + Number(added?.data[i] ?? 0);
    worst = Math.max(worst, Math.abs(got - want) / (1e-6 + 1e-5 * Math.abs(want)));
  }
  return worst;
}

function expectClose(name: string, received: Tensor, expected: HostArray, added?: HostArray): void {
  expect(received.shape, `shape of ${name}`).toEqual([...expected.shape]);
  const worst = Math.min(deviation(received, expected), added ? deviation(received, expected, added) : Infinity);
  expect(worst, `error of ${name} in units of the tolerance (rtol 1e-5, atol 1e-6)`).toBeLessThanOrEqual(1);
}

const under = (prefix: string): string[] => [...arrays.keys()].filter((key) => key.startsWith(prefix));

function runLayer({ name, layer, options, train }: Case): void {
  const module = LAYERS[layer]!(camel(options) as never).train(train);
  const layouts = module.layouts();
  const state = Object.fromEntries(
    under(`${name}.state.`).map((key) => {
      const leaf = key.slice(`${name}.state.`.length);
      return [leaf, fromTorchLayout(array(key), layouts[leaf] ?? 'none')];
    }),
  );
  module.loadStateDict(state, { strict: true });
  tf.tidy(() => {
    const x = toLast(toTensor(array(`${name}.in.0`), 'float32'));
    const cotangent = toLast(toTensor(array(`${name}.cotangent`)));
    const forward = module.forward as unknown as (x: Tensor) => Tensor;
    let output: Tensor | undefined;
    const parameters = module.namedParameters();
    const variables = parameters.map(([, variable]) => variable);
    const { grads } = tf.engine().gradients(
      () => {
        output = tf.keep(forward.call(module, x));
        return tf.sum(tf.mul(output, cotangent));
      },
      [x, ...variables],
      undefined,
      true,
    ) as { grads: Tensor[] };
    expectClose('output', toFirst(output!), array(`${name}.out`));
    output!.dispose();
    expectClose('gradient of the input', toFirst(grads[0]!), array(`${name}.grad_in.0`));
    parameters.forEach(([leaf], i) => {
      const grad = toTorchLayout(grads[i + 1]!, layouts[leaf] ?? 'none');
      // PyTorch adds to .grad: an evaluation case that was run on the training case's module holds the sum of both.
      const before = train ? undefined : arrays.get(`${name.replace(/_eval$/, '_train')}.grad.${leaf}`);
      expectClose(`gradient of ${leaf}`, grad, array(`${name}.grad.${leaf}`), before);
    });
    const after = module.stateDict();
    for (const key of under(`${name}.state_after.`)) {
      const leaf = key.slice(`${name}.state_after.`.length);
      const value = after[leaf];
      if (!value) throw new Error(`the module has no ${leaf}`);
      expectClose(`${leaf} after`, toTorchLayout(value as Tensor, layouts[leaf] ?? 'none'), array(key));
    }
  });
  module.dispose();
}

function runLoss({ name, layer, options }: Case): void {
  const loss = LOSSES[layer]!;
  tf.tidy(() => {
    const x = toLast(toTensor(array(`${name}.in.0`), 'float32'));
    const target = toTensor(array(`${name}.in.1`));
    const cotangent = toTensor(array(`${name}.cotangent`));
    const { value, grads } = tf.engine().gradients(
      () => tf.mul(loss(x, target, camel(options) as never), tf.reshape(cotangent, [])) as Tensor,
      [x],
    ) as { value: Tensor; grads: Tensor[] };
    expectClose('output', tf.div(value, tf.reshape(cotangent, [])), { ...array(`${name}.out`), shape: [] });
    expectClose('gradient of the input', toFirst(grads[0]!), array(`${name}.grad_in.0`));
  });
}

describe('layers and losses against PyTorch', () => {
  beforeAll(async () => {
    await selectDevice(process.env['ENGINE_TEST_DEVICE'] ?? 'cpu');
  });
  afterAll(() => tf.disposeVariables());

  for (const one of cases) {
    if (LAYERS[one.layer]) it(one.name, () => expectNoLeak(() => runLayer(one)));
    else if (LOSSES[one.layer]) it(one.name, () => expectNoLeak(() => runLoss(one)));
    else it.skip(`${one.name} (${one.layer} is not built)`, () => undefined);
  }

  it('leaves out no layer silently', () => {
    const unknown = cases.filter(({ layer }) => !LAYERS[layer] && !LOSSES[layer] && !NOT_BUILT.has(layer));
    expect(unknown.map(({ layer }) => layer)).toEqual([]);
  });
});
