import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineConfig, untyped, type ConfigOf, type ExperimentConfig } from './index.js';

interface SgdOptions {
  lr: number;
  nesterov?: boolean;
}
interface AdamOptions {
  lr?: number;
  betas?: [number, number];
}
interface Types {
  SGD: SgdOptions;
  Adam: AdamOptions;
  'typed.Lion': SgdOptions;
}
type OptimizerConfig = ConfigOf<Types>;

declare module './index.js' {
  interface ExperimentConfig {
    testOptimizer?: OptimizerConfig;
  }
}

class Mine {
  constructor(readonly options: { lr: number }) {}
}

describe('ConfigOf', () => {
  it('takes declared names with their options', () => {
    const good: OptimizerConfig[] = [
      { type: 'SGD', lr: 1 },
      { type: 'Adam' },
      { type: 'SGD', lr: 1, _scope_: 'vision' },
    ];
    expect(good).toHaveLength(3);
    expectTypeOf<Extract<OptimizerConfig, { type: 'SGD' }>['lr']>().toEqualTypeOf<number>();
  });

  it('rejects unknown names, unknown options, missing and mistyped ones', () => {
    const bad: OptimizerConfig[] = [
      // @ts-expect-error 'SDG' is not declared
      { type: 'SDG', lr: 1 },
      // @ts-expect-error SGD has no `betas`
      { type: 'SGD', lr: 1, betas: [0.9, 0.99] },
      // @ts-expect-error `lr` is missing
      { type: 'SGD' },
      // @ts-expect-error `lr` is a number
      { type: 'SGD', lr: '1' },
      // @ts-expect-error the scope is declared, this name is not
      { type: 'typed.Lionn', lr: 1 },
      // @ts-expect-error options of declared names are checked in every scope
      { type: 'typed.Lion', lr: '1' },
    ];
    expect(bad).toHaveLength(6);
  });

  it('takes classes in place, names of scopes that nobody declares, and what is said to be untyped', () => {
    const open: OptimizerConfig[] = [
      { type: Mine, lr: 1, anything: true },
      { type: 'lib.Lion', lr: 1 },
      { type: 'type.Lion', lr: '1' },
      { type: 'typedToo.Lion', lr: '1' },
      { type: 'typed.Lion', lr: 1 },
      untyped({ type: 'Unknown', x: 1 }),
    ];
    expect(open).toHaveLength(6);
  });
});

describe('defineConfig', () => {
  it('returns its argument', () => {
    const config = { testOptimizer: { type: 'SGD', lr: 1 } } as const;
    expect(defineConfig(config)).toBe(config);
    expectTypeOf(defineConfig({})).toEqualTypeOf<ExperimentConfig>();
  });

  it('checks whole configs, nested options included', () => {
    defineConfig({ testOptimizer: { type: 'SGD', lr: 1 } });
    // @ts-expect-error no such top-level key
    defineConfig({ testOptimiser: { type: 'SGD', lr: 1 } });
    // @ts-expect-error `lr` is missing
    defineConfig({ testOptimizer: { type: 'SGD' } });
  });

  it('leaves open what inherits', () => {
    expect(defineConfig({ _base_: './base.yaml', testOptimizer: { lr: 2 } })._base_).toBe('./base.yaml');
  });
});
