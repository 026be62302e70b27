import { describe, expect, it } from 'vitest';

import { expectNoLeak, tf, updateElements, type Variable } from '../index.js';
import { compileElements, Element, ELEMENT_OPS, type ElementProgram } from './element.js';

const variable = (values: number[]): Variable => tf.variable(tf.tensor1d(values));
const values = (x: Variable): number[] => [...x.dataSync()];

/** What a backend does with a program, for one element of each field. */
function interpret(program: ElementProgram, fields: readonly number[]): number[] {
  const registers = [...fields, ...Array<number>(program.temporaries).fill(NaN)];
  const read = (operand: number): number =>
    operand < 0 ? program.constants[-1 - operand]! : registers[operand]!;
  for (let at = 0; at < program.code.length; at += 5) {
    const [op, out, x, y, z] = program.code.slice(at, at + 5) as [number, number, number, number, number];
    const [a, b] = [read(x), read(y)];
    registers[out] = {
      add: a + b,
      sub: a - b,
      mul: a * b,
      div: a / b,
      max: Math.max(a, b),
      min: Math.min(a, b),
      less: Number(a < b),
      neg: -a,
      abs: Math.abs(a),
      sqrt: Math.sqrt(a),
      square: a * a,
      sign: Math.sign(a),
      fill: a,
      copy: a,
      select: a === 0 ? registers[z]! : registers[y]!,
    }[ELEMENT_OPS[op]!];
  }
  const result = [...fields];
  const finals = new Map<number, number>();
  for (let i = 0; i < program.outputs.length; i += 2)
    finals.set(program.outputs[i]!, registers[program.outputs[i + 1]!]!);
  for (const [field, value] of finals) result[field] = value;
  return result;
}

describe('compileElements', () => {
  it('reuses registers without losing a value that is still needed', () => {
    const [p, g] = [new Element('field', []), new Element('field', [])];
    const shared = p.add(g);
    const turned = p.less(0);
    const deep = shared.mul(shared).sub(p).div(shared.abs().sqrt().add(1)).max(g.neg()).min(100);
    const program = compileElements(
      [p, g],
      new Map([
        [0, turned.select(-7, deep).add(shared.square().mul(0.5))],
        [1, shared],
      ]),
    );
    for (const [a, b] of [
      [3, 0.5],
      [-2, 4],
      [0, -1],
    ] as const) {
      const sum = a + b;
      const inner = Math.min(Math.max((sum * sum - a) / (Math.sqrt(Math.abs(sum)) + 1), -b), 100);
      const [first, second] = interpret(program, [a, b]);
      expect(first).toBeCloseTo((a < 0 ? -7 : inner) + sum * sum * 0.5, 10);
      expect(second).toBe(sum);
    }
    expect(program.temporaries).toBeLessThanOrEqual(5);
  });

  it('exchanges fields by copies', () => {
    const [a, b] = [new Element('field', []), new Element('field', [])];
    const swapped = compileElements(
      [a, b],
      new Map([
        [0, b],
        [1, a],
      ]),
    );
    expect(interpret(swapped, [1, 2])).toEqual([2, 1]);
  });
});

describe('updateElements', () => {
  it('computes every result from the values before, for all parameters', () => {
    const params = [variable([1, -2]), variable([4])];
    const sums = [variable([10, 20]), variable([30])];
    const grads = [tf.tensor1d([0.5, 0.25]), tf.tensor1d([-1])];
    expectNoLeak(() =>
      updateElements({ param: params, grad: grads, sum: sums }, ({ param, grad, sum }) => ({
        param: param.sub(sum.mul(0.1)),
        sum: sum.decayAdd(0.5, grad, 2),
      })),
    );
    expect(params.map(values)).toEqual([[0, -4], [1]]);
    expect(sums.map(values)).toEqual([[6, 10.5], [13]]);
    expect([...grads[0]!.dataSync()]).toEqual([0.5, 0.25]);
  });

  it('leaves fields alone that get no value, and copies those that take another one', () => {
    const [p, before] = [[variable([1])], [variable([5])]];
    const grad = [tf.tensor1d([3])];
    updateElements({ p, grad, before }, ({ p: param, grad: g }) => ({ p: param, before: g }));
    grad[0]!.dispose();
    expect([values(p[0]!), values(before[0]!)]).toEqual([[1], [3]]);
  });

  it('offers every operation', () => {
    const x = [variable([-4, 0, 9])];
    const y = [tf.tensor1d([2, -3, 0.5])];
    const apply = (rule: (x: Element, y: Element) => Element): number[] => {
      const copy = [tf.variable(x[0]!.clone())];
      updateElements({ x: copy, y }, (e) => ({ x: rule(e.x, e.y) }));
      return values(copy[0]!);
    };
    expect(apply((a, b) => a.div(b))).toEqual([-2, -0, 18]);
    expect(apply((a, b) => a.max(b).min(5))).toEqual([2, 0, 5]);
    expect(apply((a) => a.abs().sqrt())).toEqual([2, 0, 3]);
    expect(apply((a) => a.sign().neg())).toEqual([1, -0, -1]);
    expect(apply((a, b) => a.less(b).select(b, 7))).toEqual([2, 7, 7]);
    expect(apply((a, b) => a.lerp(b, 0.5))).toEqual([-1, -1.5, 4.75]);
    expect(apply((a) => a.square().sub(1))).toEqual([15, -1, 80]);
  });
});
