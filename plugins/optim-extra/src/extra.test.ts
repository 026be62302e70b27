import type { Optimizer } from '@engine/optim';
import { tf, type ParamRef, type Tensor2D } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { AdaBelief, LAMB, LARS, Muon, ScheduleFreeAdamW } from './index.js';

const START = [0.5, -1.5, 2];
const gradient = (step: number): number[] => [Math.sin(step), 0.3 * step - 1, Math.cos(2 * step)];

function param(values: number[], shape = [values.length], rest: Partial<ParamRef> = {}): ParamRef {
  const variable = tf.tidy(() => tf.variable(tf.tensor(values, shape)));
  return { name: 'w', leaf: 'w', variable, requiresGrad: true, layout: 'none', ownerKind: 'other', ...rest };
}

function step(optimizer: Optimizer, p: ParamRef, values: number[]): void {
  const grad = tf.tensor(values, p.variable.shape);
  optimizer.step(new Map([[p.variable, grad]]));
  grad.dispose();
}

function free(optimizer: Optimizer, p: ParamRef): void {
  optimizer.dispose();
  p.variable.dispose();
}

/** Runs an optimizer beside a rule on plain numbers; both see the same gradients. */
function compare(
  build: (p: ParamRef) => Optimizer,
  rule: (w: number[], g: number[], t: number) => number[],
): void {
  const p = param(START);
  const optimizer = build(p);
  let wanted = START;
  for (let t = 1; t <= 12; t++) {
    step(optimizer, p, gradient(t));
    wanted = rule(wanted, gradient(t), t);
    const got = p.variable.dataSync();
    wanted.forEach((value, i) => expect(got[i], `step ${t}, element ${i}`).toBeCloseTo(value, 4));
  }
  free(optimizer, p);
}

const length = (values: number[]) => Math.hypot(...values);

describe('layer-wise rates', () => {
  it('LAMB scales the step of Adam to the norm of the parameter', () => {
    for (const adaptive of [true, false]) {
      const [m, v] = [
        [0, 0, 0],
        [0, 0, 0],
      ];
      compare(
        (p) => new LAMB([p], { lr: 0.05, betas: [0.8, 0.9], weightDecay: 0.1, adaptive }),
        (w, g, t) => {
          const direction = w.map((value, i) => {
            m[i] = 0.8 * m[i]! + 0.2 * g[i]!;
            v[i] = 0.9 * v[i]! + 0.1 * g[i]! ** 2;
            return m[i] / (1 - 0.8 ** t) / (Math.sqrt(v[i] / (1 - 0.9 ** t)) + 1e-6) + 0.1 * value;
          });
          const ratio = adaptive ? length(w) / length(direction) : 1;
          return w.map((value, i) => value - 0.05 * ratio * direction[i]!);
        },
      );
    }
  });

  it('LARS scales gradients to the norm of the parameter', () => {
    for (const nesterov of [true, false]) {
      const buffer = [0, 0, 0];
      compare(
        (p) => new LARS([p], { lr: 0.5, momentum: 0.9, weightDecay: 0.01, trustCoefficient: 0.02, nesterov }),
        (w, g) => {
          const trust = (0.02 * length(w)) / (length(g) + 0.01 * length(w) + 1e-8);
          return w.map((value, i) => {
            const scaled = trust * (g[i]! + 0.01 * value);
            buffer[i] = 0.9 * buffer[i]! + scaled;
            return value - 0.5 * (nesterov ? scaled + 0.9 * buffer[i] : buffer[i]);
          });
        },
      );
    }
  });

  it('leave the rate alone where a norm is 0', () => {
    const p = param([0, 0]);
    const optimizer = new LARS([p], { lr: 1, momentum: 0 });
    step(optimizer, p, [1, 2]);
    expect([...p.variable.dataSync()]).toEqual([-1, -2]);
    free(optimizer, p);
    const q = param([1, 1]);
    const lamb = new LAMB([q]);
    step(lamb, q, [0, 0]);
    expect([...q.variable.dataSync()]).toEqual([1, 1]);
    free(lamb, q);
  });
});

describe('AdaBelief', () => {
  it('divides by the deviation from the average gradient', () => {
    for (const decoupled of [true, false]) {
      const [m, s] = [
        [0, 0, 0],
        [0, 0, 0],
      ];
      compare(
        (p) =>
          new AdaBelief([p], {
            lr: 0.05,
            betas: [0.8, 0.9],
            eps: 1e-6,
            weightDecay: 0.1,
            decoupledWeightDecay: decoupled,
          }),
        (w, g, t) =>
          w.map((value, i) => {
            const slope = decoupled ? g[i]! : g[i]! + 0.1 * value;
            m[i] = 0.8 * m[i]! + 0.2 * slope;
            s[i] = 0.9 * s[i]! + 0.1 * (slope - m[i]) ** 2 + 1e-6;
            const kept = decoupled ? value * (1 - 0.05 * 0.1) : value;
            const root = Math.sqrt(s[i] / (1 - 0.9 ** t)) + 1e-6;
            return kept - (0.05 * m[i]) / (1 - 0.8 ** t) / root;
          }),
      );
    }
  });
});

describe('Muon', () => {
  const values = Array.from({ length: 12 }, (_, i) => Math.sin(i * i + 1));
  const first = (
    shape: [number, number],
    layout: ParamRef['layout'],
    grads: number[],
    options = {},
  ): number[] => {
    const p = param(Array(12).fill(0), shape, { layout });
    const optimizer = new Muon([p], { lr: 1, weightDecay: 0, ...options });
    step(optimizer, p, grads);
    const got = [...p.variable.dataSync()];
    free(optimizer, p);
    return got;
  };

  it('steps along a matrix with singular values near 1', () => {
    const [gram, agreement] = tf.tidy(() => {
      const direction = tf.tensor(first([3, 4], 'none', values), [3, 4]) as Tensor2D;
      const product = tf.matMul(direction, direction, false, true);
      return [
        product.arraySync() as number[][],
        tf.sum(tf.mul(direction, tf.tensor(values, [3, 4]))).dataSync()[0]!,
      ];
    });
    // Singular values of the quintic's limit lie between 0.68 and 1.13, so those of the square between 0.46 and 1.28.
    gram.forEach((row, i) => {
      expect(row[i]).toBeGreaterThan(0.46);
      expect(row[i]).toBeLessThan(1.28);
      row.forEach((value, j) => i !== j && expect(Math.abs(value)).toBeLessThan(0.42));
    });
    expect(agreement).toBeLessThan(0);
  });

  it('does the same to a matrix that lies the other way round in memory', () => {
    const transposed = Array.from({ length: 12 }, (_, i) => values[(i % 3) * 4 + Math.floor(i / 3)]!);
    const plain = first([3, 4], 'none', values);
    const flipped = first([4, 3], 'IO', transposed);
    flipped.forEach((value, i) => expect(value).toBeCloseTo(plain[(i % 3) * 4 + Math.floor(i / 3)]!, 5));
  });

  it('adjusts the rate to the shape', () => {
    const wide = first([3, 4], 'none', values);
    const tall = first([3, 4], 'IO', values);
    tall.forEach((value, i) => expect(value).toBeCloseTo(wide[i]! * Math.sqrt(4 / 3), 5));
    const matched = first([3, 4], 'none', values, { adjustLrFn: 'match_rms_adamw' });
    matched.forEach((value, i) => expect(value).toBeCloseTo(wide[i]! * 0.2 * 2, 5));
  });

  it('steps like AdamW in vectors and embeddings', () => {
    for (const p of [param([1, 1]), param([1, 1], [2, 1], { ownerKind: 'embedding' })]) {
      const optimizer = new Muon([p], { lr: 0.1, adamLrMult: 0.5, weightDecay: 0 });
      step(optimizer, p, [3, -4]);
      const got = p.variable.dataSync();
      expect(got[0]).toBeCloseTo(0.95, 5);
      expect(got[1]).toBeCloseTo(1.05, 5);
      free(optimizer, p);
    }
  });

  it('rejects what cannot be used', () => {
    const p = param([1]);
    expect(() => new Muon([p], { adjustLrFn: 'rms' as 'original' })).toThrow(
      /E_CONFIG_VALUE[^]*Muon\.adjustLrFn/,
    );
    expect(() => new Muon([p], { nsSteps: 0 })).toThrow(/E_CONFIG_VALUE[^]*Muon\.nsSteps/);
    p.variable.dispose();
  });
});

describe('ScheduleFreeAdamW', () => {
  const options = { lr: 0.05, betas: [0.8, 0.9] as const, weightDecay: 0.1, warmupSteps: 4, r: 1 };

  it('follows the recursion of x, y and z', () => {
    const v = [0, 0, 0];
    let [x, z] = [[...START], [...START]];
    let sum = 0;
    compare(
      (p) => new ScheduleFreeAdamW([p], options),
      (y, g, t) => {
        const lr = 0.05 * Math.min(1, t / 4);
        const weight = t * lr ** 2;
        sum += weight;
        z = z.map((value, i) => {
          v[i] = 0.9 * v[i]! + 0.1 * g[i]! ** 2;
          const root = Math.sqrt(v[i] / (1 - 0.9 ** t)) + 1e-8;
          return value - lr * (g[i]! / root + 0.1 * y[i]!);
        });
        x = x.map((value, i) => value + (weight / sum) * (z[i]! - value));
        return x.map((value, i) => 0.8 * value + 0.2 * z[i]!);
      },
    );
  });

  it('shows the average when evaluating, and goes on as if it had not', () => {
    const [p, q] = [param(START), param(START)];
    const [watched, other] = [new ScheduleFreeAdamW([p], options), new ScheduleFreeAdamW([q], options)];
    for (let t = 1; t <= 6; t++) {
      step(watched, p, gradient(t));
      step(other, q, gradient(t));
      const before = [...p.variable.dataSync()];
      const z = [...watched.stateDict().tensors['w.z']!.dataSync()];
      watched.eval();
      watched.eval();
      p.variable.dataSync().forEach((x, i) => expect(0.8 * x + 0.2 * z[i]!).toBeCloseTo(before[i]!, 5));
      if (t % 2 === 0) watched.train();
    }
    watched.train();
    const wanted = q.variable.dataSync();
    p.variable.dataSync().forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
    free(watched, p);
    free(other, q);
  });

  it('rejects what cannot be used', () => {
    const p = param([1]);
    expect(() => new ScheduleFreeAdamW([p], { betas: [0, 0.9] })).toThrow(/E_CONFIG_VALUE[^]*betas/);
    expect(() => new ScheduleFreeAdamW([p], { warmupSteps: -1 })).toThrow(/E_CONFIG_VALUE[^]*warmupSteps/);
    p.variable.dispose();
  });
});
