import { buildOptimWrapper, type OptimWrapperConfig } from '@engine/optim';
import { tf, type ModuleKind, type ParamRef } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

type Tree = { [name: string]: string | Tree };

interface Case {
  name: string;
  paramwise: Record<string, unknown>;
  optimizer: { type: string; lr: number; weight_decay: number };
  expected: Record<string, { lr: number; weight_decay: number }>;
}

const { model, cases } = readGolden<{
  model: Tree;
  cases: Case[];
}>('paramwise.json');

/** Parameters of a module as the reference names it: `Conv2d(3,4,1)`. */
function parametersOf(module: string): { kind: ModuleKind; shapes: Record<string, number[]> } {
  const [, type, list] = /^(\w+)[[(](.*)[\])]$/.exec(module)!;
  const positional = list!.split(',').filter((part) => !part.includes('=')).map(Number);
  const named = Object.fromEntries(list!.split(',').filter((part) => part.includes('=')).map((part) => part.split('=')));
  const [a = 1, b = 1, k = 1] = positional;
  switch (type) {
    case 'Parameter':
      return { kind: 'other', shapes: { '': positional } };
    case 'Conv2d': {
      const groups = Number(named.groups ?? 1);
      const weight = { weight: [k, k, a / groups, b] };
      return {
        kind: groups === a ? 'depthwiseConv' : 'conv',
        shapes: named.bias === 'false' ? weight : { ...weight, bias: [b] },
      };
    }
    case 'Linear':
      return { kind: 'linear', shapes: { weight: [a, b], bias: [b] } };
    case 'Embedding':
      return { kind: 'embedding', shapes: { weight: [a, b] } };
    case 'GroupNorm':
      return { kind: 'norm', shapes: { weight: [b], bias: [b] } };
    case 'BatchNorm2d':
    case 'LayerNorm':
      return { kind: 'norm', shapes: { weight: [a], bias: [a] } };
    default:
      throw new Error(`the test does not know the module ${module}`);
  }
}

function paramRefs(tree: Tree, prefix = ''): ParamRef[] {
  return Object.entries(tree).flatMap(([name, module]) => {
    if (typeof module !== 'string') return paramRefs(module, `${prefix}${name}.`);
    const { kind, shapes } = parametersOf(module);
    return Object.entries(shapes).map(([leaf, shape]) => ({
      name: leaf ? `${prefix}${name}.${leaf}` : prefix + name,
      leaf: leaf || name,
      variable: tf.variable(tf.zeros(shape)),
      requiresGrad: true,
      layout: 'none' as const,
      ownerKind: kind,
    }));
  });
}

/** Turns option names into camelCase; keys of `custom_keys` are parts of parameter names and stay. */
function camelCase(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => {
      const name = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      if (key !== 'custom_keys') return [name, value];
      const custom = Object.entries(value as Record<string, Record<string, unknown>>);
      return [name, Object.fromEntries(custom.map(([part, own]) => [part, camelCase(own)]))];
    }),
  );
}

describe.skipIf(cases.length === 0)('parameter-wise settings follow the reference', () => {
  it.each(cases)('$name', (c) => {
    const params = paramRefs(model);
    const config = { optimizer: camelCase(c.optimizer), paramwiseCfg: camelCase(c.paramwise) };
    const { optimizer } = buildOptimWrapper({ paramRefs: () => params }, config as unknown as OptimWrapperConfig);
    const got = new Map(optimizer.paramGroups.flatMap((group) => group.params.map((param) => [param.name, group])));
    expect([...got.keys()].sort()).toEqual(Object.keys(c.expected).sort());
    for (const [name, { lr, weight_decay: weightDecay }] of Object.entries(c.expected)) {
      expect(got.get(name)!.lr, `${name}: lr`).toBeCloseTo(lr, 12);
      expect(got.get(name)!.weightDecay, `${name}: weightDecay`).toBeCloseTo(weightDecay, 12);
    }
  });
});
