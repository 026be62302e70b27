import { readFileSync } from 'node:fs';

import { buildOptimWrapper, type OptimWrapperConfig } from '@engine/optim';
import { tf, type ModuleKind, type ParamRef } from '@engine/tensor';
import { afterAll, describe, expect, it } from 'vitest';

/** Made by tools/mmengine_paramwise.py. */
interface Golden {
  parameters: {
    name: string;
    leaf: string;
    shape: number[];
    kind: ModuleKind;
    holder: ModuleKind | null;
    trains: boolean;
  }[];
  optimizer: Record<string, unknown>;
  cases: {
    name: string;
    paramwise: Record<string, unknown> & { custom_keys?: Record<string, Record<string, unknown>> };
    /** Rate, weight decay and momentum. */
    expected: Record<string, [number, number, number]>;
  }[];
}

const golden = JSON.parse(readFileSync(new URL('./mmengine/paramwise.json', import.meta.url), 'utf8')) as Golden;

const refs: ParamRef[] = golden.parameters.map(({ name, leaf, shape, kind, holder, trains }) => ({
  name,
  leaf,
  variable: tf.tidy(() => tf.variable(tf.zeros(shape))),
  requiresGrad: trains,
  layout: 'none',
  ownerKind: kind,
  holderKind: holder ?? undefined,
}));
afterAll(() => refs.forEach(({ variable }) => variable.dispose()));

function camelCase(options: Record<string, unknown>): Record<string, unknown> {
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
}

describe('parameter-wise settings are those of MMEngine with settings drawn at random', () => {
  it.each(golden.cases)('$name: $paramwise', ({ paramwise: { custom_keys: custom, ...factors }, expected }) => {
    const customKeys = Object.entries(custom ?? {}).map(([part, own]) => [part, camelCase(own)]);
    const config = {
      optimizer: camelCase(golden.optimizer),
      paramwiseCfg: { ...camelCase(factors), ...(custom ? { customKeys: Object.fromEntries(customKeys) } : {}) },
    };
    const { optimizer } = buildOptimWrapper({ paramRefs: () => refs }, config as unknown as OptimWrapperConfig);
    const got = optimizer.paramGroups.flatMap((group) =>
      group.params.map(({ name }) => [name, [group.lr, group.weightDecay, group.momentum]] as const),
    );
    expect(Object.fromEntries(got)).toEqual(
      Object.fromEntries(
        Object.entries(expected).map(([name, values]) => [name, values.map((value) => expect.closeTo(value, 12))]),
      ),
    );
    optimizer.dispose();
  });
});
