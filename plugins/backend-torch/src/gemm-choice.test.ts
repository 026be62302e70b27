import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { tf } from '@engine/tensor';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { chooseGemm } from './gemm-choice.js';
import { native } from './native.js';
import { distance, draw, missing, useTorch, values } from './torch.fixture.js';

describe.skipIf(missing)('ENGINE_TORCH_GEMM', () => {
  const before = process.env.XDG_CACHE_HOME;
  beforeAll(useTorch);
  afterEach(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    chooseGemm(native());
  });

  const shapes: [number[], number[], boolean, boolean][] = [
    [[17, 30], [30, 9], false, false],
    [[30, 17], [30, 9], true, false],
    [[17, 30], [9, 30], false, true],
    [[3, 30, 17], [3, 9, 30], true, true],
  ];

  it('gives the same products by every route, for views too', () => {
    for (const [a, b, ta, tb] of shapes) {
      const turned = (shape: number[], key: string): tf.Tensor => {
        const last = shape.length - 1;
        const perm = shape.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i));
        return tf.transpose(
          draw(
            perm.map((i) => shape[i]!),
            key,
          ),
          perm,
        );
      };
      const products = native()
        .gemmRoutes()
        .split(' ')
        .flatMap((route) => {
          chooseGemm(native(), route);
          return [
            values(tf.matMul(draw(a, 'a'), draw(b, 'b'), ta, tb)),
            values(tf.matMul(turned(a, 'a'), turned(b, 'b'), ta, tb)),
          ];
        });
      for (let i = 2; i < products.length; i++) {
        expect(distance(products[i]!, products[i % 2]!)).toBeLessThan(1e-5);
      }
    }
  });

  it.runIf(missing === undefined)('measures once and remembers', () => {
    if (!native().gemmRoutes().includes('dnnl')) return;
    const folder = mkdtempSync(join(tmpdir(), 'gemm-'));
    process.env.XDG_CACHE_HOME = folder;
    try {
      chooseGemm(native(), 'measure');
      const x = draw([37, 41], 'x');
      values(tf.matMul(x, x, true));
      expect(readdirSync(join(folder, 'engine'))).toEqual([
        expect.stringMatching(/^torch-gemm-[0-9a-f]{16}\.json$/),
      ]);
      expect(native().takeGemmChoices()).toBe('');
      values(tf.matMul(x, x, true));
      expect(native().takeGemmChoices()).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses a route that does not exist', () => {
    expect(() => chooseGemm(native(), 'abacus')).toThrow(/E_CONFIG_VALUE[\s\S]*ENGINE_TORCH_GEMM = 'abacus'/);
  });
});
