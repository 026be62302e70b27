import { tf, type Tensor } from '@engine/tensor';
import { describe, it } from 'vitest';
import { expectLikeCpu, random } from './conformance.fixture.js';

const transposed = (shape: number[], swap: boolean): number[] =>
  swap ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;

describe('matMul', () => {
  const shapes: [number[], number[]][] = [
    [
      [1, 1],
      [1, 1],
    ],
    [
      [7, 5],
      [5, 9],
    ],
    [
      [64, 33],
      [33, 10],
    ],
    [
      [50, 128],
      [128, 40],
    ],
    [
      [1, 300],
      [300, 17],
    ],
    [
      [5, 4, 6],
      [5, 6, 3],
    ],
    [
      [2, 3, 7, 5],
      [2, 3, 5, 8],
    ],
    [
      [4, 6, 5],
      [1, 5, 7],
    ],
    [
      [1, 6, 5],
      [3, 5, 7],
    ],
    [
      [13, 4100],
      [4100, 9],
    ],
  ];
  for (const [a, b] of shapes) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        it(`[${a.join(',')}]${transposeA ? 'ᵀ' : ''} x [${b.join(',')}]${transposeB ? 'ᵀ' : ''}`, async () => {
          const inputs = [random('a', transposed(a, transposeA)), random('b', transposed(b, transposeB))];
          await expectLikeCpu(inputs, ([x, y]) => tf.matMul(x!, y!, transposeA, transposeB), {
            tolerance: 2e-5,
          });
        });
      }
    }
  }

  it('has the gradients of the cpu backend', async () => {
    const inputs = [random('a', [20, 11]), random('b', [11, 30])];
    await expectLikeCpu(inputs, (tensors) =>
      tf.grads((a: Tensor, b: Tensor) => tf.sum(tf.square(tf.matMul(a, b))))(tensors),
    );
  });

  it.each(['linear', 'relu', 'sigmoid'] as const)('fuses a bias and %s', async (activation) => {
    const inputs = [random('a', [20, 11]), random('b', [11, 30]), random('bias', [30])];
    await expectLikeCpu(inputs, ([a, b, bias]) =>
      tf.fused.matMul({ a: a as never, b: b as never, bias: bias!, activation }),
    );
  });
});

describe('einsum', () => {
  it.each([
    [
      'ij,jk->ik',
      [
        [4, 5],
        [5, 6],
      ],
    ],
    [
      'bij,bjk->bik',
      [
        [2, 4, 5],
        [2, 5, 6],
      ],
    ],
    [
      'bhqd,bhkd->bhqk',
      [
        [2, 3, 4, 5],
        [2, 3, 6, 5],
      ],
    ],
    [
      'bqhd,bkhd->bhqk',
      [
        [2, 4, 3, 5],
        [2, 6, 3, 5],
      ],
    ],
    ['ij->ji', [[4, 5]]],
    ['ij->i', [[4, 5]]],
    ['i,j->ij', [[4], [5]]],
    [
      'ij,kj->jik',
      [
        [4, 5],
        [3, 5],
      ],
    ],
  ] as [string, number[][]][])('%s', async (equation, shapes) => {
    const inputs = shapes.map((shape, i) => random(`${equation} ${i}`, shape));
    await expectLikeCpu(inputs, (tensors) => tf.einsum(equation, ...tensors));
  });
});
