import { readFileSync } from 'node:fs';

import { fallbackCounts, resetFallbackCounts } from '@engine/backend-torch';
import { hostArray, type HostArray } from '@engine/core';
import * as nn from '@engine/nn';
import { fromTorchLayout, toTorchLayout, type Module } from '@engine/nn';
import { expectNoLeak, probeBackends, selectDevice, tf, toHostArray, toTensor, type Tensor } from '@engine/tensor';
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

type Build = new (options: never) => Module;
/** PyTorch's name of a layer is ours, but for the one that PyTorch has as a function too. */
const layerClass = (name: string): Build | undefined =>
  (name === 'interpolate' ? nn.Upsample : (nn as unknown as Record<string, Build | undefined>)[name]) as Build;

/** Layers for which PyTorch has the channels second and this engine last; all others take axes as they come. */
const CHANNELS_SECOND = /^(Conv|BatchNorm|GroupNorm|InstanceNorm|.*Pool\d?d?$|interpolate)/;

type Loss = (prediction: Tensor, target: Tensor, options: never) => Tensor;
const LOSSES: Record<string, Loss> = {
  cross_entropy: nn.crossEntropy,
  nll_loss: nn.nllLoss,
  mse_loss: nn.mseLoss,
  l1_loss: nn.l1Loss,
  smooth_l1_loss: nn.smoothL1Loss,
  huber_loss: nn.huberLoss,
  binary_cross_entropy: nn.binaryCrossEntropy,
  binary_cross_entropy_with_logits: nn.binaryCrossEntropyWithLogits,
  kl_div: nn.klDiv,
};
/** Losses whose input has an axis of classes, second in PyTorch and last here. */
const CLASSES_SECOND = new Set(['cross_entropy', 'nll_loss']);

const array = (name: string): HostArray => {
  const found = arrays.get(name);
  if (!found) throw new Error(`golden file has no ${name}`);
  return found;
};

type Move = (tensor: Tensor) => Tensor;
/** From PyTorch's order of axes (channels second) to ours (channels last). */
const toLast: Move = (tensor) => {
  if (tensor.rank < 3) return tensor;
  const [batch, channels, ...rest] = tensor.shape.map((_, i) => i);
  return tf.transpose(tensor, [batch!, ...rest, channels!]);
};
const toFirst: Move = (tensor) => {
  if (tensor.rank < 3) return tensor;
  const axes = tensor.shape.map((_, i) => i);
  return tf.transpose(tensor, [0, tensor.rank - 1, ...axes.slice(1, -1)]);
};
const asItIs: Move = (tensor) => tensor;

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

/** The golden file of attention was made with the layer inside a module that calls it `attn`. */
const wrapperOf = (layer: string): string => (layer === 'MultiheadAttention' ? 'attn.' : '');

function runLayer({ name, layer, options, train }: Case): void {
  const module = new (layerClass(layer)!)(camel(options) as never).train(train);
  const layouts = module.layouts();
  const [last, first] = CHANNELS_SECOND.test(layer) ? [toLast, toFirst] : [asItIs, asItIs];
  const wrapper = wrapperOf(layer);
  const state = Object.fromEntries(
    under(`${name}.state.`).map((key) => {
      const leaf = key.slice(`${name}.state.${wrapper}`.length);
      return [leaf, fromTorchLayout(array(key), layouts[leaf] ?? 'none')];
    }),
  );
  module.loadStateDict(state, { strict: true });
  tf.tidy(() => {
    const given = array(`${name}.in.0`);
    const differentiable = arrays.has(`${name}.grad_in.0`);
    const x = last(differentiable ? toTensor(given, 'float32') : toTensor(given));
    const cotangent = last(toTensor(array(`${name}.cotangent`)));
    const forward = module.forward as unknown as (x: Tensor) => Tensor;
    let output: Tensor | undefined;
    const parameters = module.namedParameters();
    const variables = parameters.map(([, variable]) => variable);
    const { grads } = tf.engine().gradients(
      () => {
        output = tf.keep(forward.call(module, x));
        return tf.sum(tf.mul(output, cotangent));
      },
      [...(differentiable ? [x] : []), ...variables],
      undefined,
      true,
    ) as { grads: Tensor[] };
    expectClose('output', first(output!), array(`${name}.out`));
    output!.dispose();
    if (differentiable) expectClose('gradient of the input', first(grads.shift()!), array(`${name}.grad_in.0`));
    parameters.forEach(([leaf], i) => {
      const grad = toTorchLayout(grads[i]!, layouts[leaf] ?? 'none');
      // PyTorch adds to .grad: an evaluation case that was run on the training case's module holds the sum of both.
      const before = train ? undefined : arrays.get(`${name.replace(/_eval$/, '_train')}.grad.${wrapper}${leaf}`);
      expectClose(`gradient of ${leaf}`, grad, array(`${name}.grad.${wrapper}${leaf}`), before);
    });
    const after = module.stateDict();
    for (const key of under(`${name}.state_after.`)) {
      const leaf = key.slice(`${name}.state_after.${wrapper}`.length);
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
    const classes = CLASSES_SECOND.has(layer);
    const x = (classes ? toLast : asItIs)(toTensor(array(`${name}.in.0`), 'float32'));
    const probabilities = array(`${name}.in.1`).dtype === 'float32';
    const target = (classes && probabilities ? toLast : asItIs)(toTensor(array(`${name}.in.1`)));
    const found: Tensor[] = [];
    const { grads } = tf.engine().gradients(
      () => {
        const value = loss(x, target, camel(options) as never);
        found[0] = tf.keep(value.clone());
        return tf.sum(tf.mul(value, tf.reshape(toTensor(array(`${name}.cotangent`)), value.shape)));
      },
      probabilities ? [x, target] : [x],
      undefined,
      true,
    ) as { grads: Tensor[] };
    const wanted = array(`${name}.out`);
    // The golden file holds scalars as vectors of one number.
    expectClose('output', found[0]!, found[0]!.rank === 0 ? { ...wanted, shape: [] } : wanted);
    found[0]!.dispose();
    grads.forEach((grad, i) => {
      const expected = arrays.get(`${name}.grad_in.${i}`);
      if (expected) expectClose(`gradient of input ${i}`, (classes ? toFirst : asItIs)(grad), expected);
    });
  });
}

const DEVICES = ['cpu', 'wasm', 'torch'] as const;
const backends = await probeBackends();
const wanted = process.env['ENGINE_TEST_DEVICE'];

for (const device of wanted === undefined ? DEVICES : [wanted]) {
  const report = backends.find(({ name }) => name === device);
  // Only libtorch may be absent; a device that was asked for by name may not.
  const absent = wanted === undefined && device === 'torch' && !report?.available;
  if (absent) process.stderr.write(`layers and losses are not compared on ${device}: ${report?.reason}\n`);

  describe.skipIf(absent)(`layers and losses against PyTorch, on ${device}`, () => {
    beforeAll(async () => {
      await selectDevice(device);
    });
    beforeAll(() => resetFallbackCounts());
    afterAll(() => tf.disposeVariables());

    for (const one of cases) {
      if (LOSSES[one.layer]) it(one.name, () => expectNoLeak(() => runLoss(one)));
      else it(one.name, () => expectNoLeak(() => runLayer(one)));
    }

    it.runIf(device === 'torch')('without a kernel that libtorch has no version of', () => {
      expect(fallbackCounts()).toEqual({});
    });
  });
}

it('the engine has every layer and loss of the file', () => {
  const unknown = cases.filter(({ layer }) => !LOSSES[layer] && !layerClass(layer));
  expect(unknown.map(({ layer }) => layer)).toEqual([]);
});
