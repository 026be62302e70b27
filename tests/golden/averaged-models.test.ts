import { hostArray, MODELS } from '@engine/core';
import { BatchNorm1d, Linear, Sequential, type BaseAveragedModel } from '@engine/nn';
import { tf } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

type Weights = Record<string, number[]>;

interface Case {
  name: string;
  type: string;
  options: Record<string, unknown>;
  source: Weights[];
  expected: Weights[];
}

const { cases } = readGolden<{ cases: Case[] }>('averaged_models.json');

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The reference's layer followed by batch normalisation, with sizes read from the case. */
function modelOf(weights: Weights): Sequential {
  const features = weights['0.bias']!.length;
  return new Sequential({
    modules: [
      new Linear({ inFeatures: weights['0.weight']!.length / features, outFeatures: features }),
      new BatchNorm1d({ numFeatures: features }),
    ],
  } as never);
}

describe.skipIf(cases.length === 0)('averages follow the reference', () => {
  it.each(cases)('$name', ({ type, options, source, expected }) => {
    const model = modelOf(source[0]!);
    const config = Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
    const averaged = MODELS.build<BaseAveragedModel>({ type, ...config } as never, { args: [model] });
    const tensors = tf.memory().numTensors;
    source.forEach((weights, step) => {
      // The order of elements does not matter to an average, so weights stand here as they do in the file.
      const state = model.stateDict();
      model.loadStateDict(
        Object.fromEntries(
          Object.entries(weights).map(([name, values]) => [
            name,
            hostArray(Float32Array.from(values), state[name]!.shape),
          ]),
        ),
      );
      averaged.updateParameters();
      const got = averaged.stateDict();
      for (const [name, values] of Object.entries(expected[step]!)) {
        const ours = got[name]!.dataSync();
        values.forEach((value, i) => expect(ours[i], `${name}[${i}] after ${step + 1}`).toBeCloseTo(value, 5));
      }
    });
    expect(averaged.steps).toBe(source.length);
    expect(tf.memory().numTensors).toBe(tensors);
    averaged.dispose();
    model.dispose();
  });
});
