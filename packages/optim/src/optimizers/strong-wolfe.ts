import type { Tensor } from '@engine/tensor';

/** What is known at one point of a line. */
export interface LinePoint {
  /** Distance along the line, in lengths of the direction. */
  t: number;
  /** Value of the objective. */
  f: number;
  /** Derivative along the line. */
  slope: number;
  /** Gradient of the objective, flat. */
  grad: Tensor;
}

export interface LineSearchOptions {
  /** How much of the decrease that the slope promises must be had (Armijo); 1e-4. */
  c1?: number;
  /** What part of the slope may be left; 0.9. */
  c2?: number;
  /** A bracket that is shorter, in the largest element of the direction, is not refined. */
  toleranceChange: number;
  /** Largest magnitude of the direction's elements. */
  largest: number;
  /** Evaluations beyond the first; 25. */
  maxEvaluations?: number;
}

/**
 * Least point of the cubic through two points with their slopes, within bounds; the middle of the bounds when the cubic
 * has none.
 * @see Nocedal and Wright, "Numerical Optimization", 2006, equation 3.59
 */
export function cubicMinimum(a: LinePoint, b: LinePoint, bounds?: readonly [number, number]): number {
  const [low, high] = bounds ?? [Math.min(a.t, b.t), Math.max(a.t, b.t)];
  const [left, right] = a.t <= b.t ? [a, b] : [b, a];
  const d1 = a.slope + b.slope - (3 * (a.f - b.f)) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return Math.min(Math.max(t, low), high);
}

/**
 * Searches along a line for a point that meets the strong Wolfe conditions: first forward until such a point lies
 * before or between the last two, then between them. Same points in the same order as `torch.optim.LBFGS`.
 * @param start the point at t = 0, of the caller; `evaluate` gives the others, whose gradients are disposed here except
 *   for that of the result
 * @param first where to look first
 * @see Nocedal and Wright, "Numerical Optimization", 2006, algorithms 3.5 and 3.6
 */
export function strongWolfe(
  start: LinePoint,
  first: number,
  evaluate: (t: number) => LinePoint,
  { c1 = 1e-4, c2 = 0.9, toleranceChange, largest, maxEvaluations = 25 }: LineSearchOptions,
): { point: LinePoint; evaluations: number } {
  const made: LinePoint[] = [];
  const at = (t: number): LinePoint => {
    const point = evaluate(t);
    made.push(point);
    return point;
  };
  const keepOnly = (...kept: LinePoint[]): void => {
    for (let i = made.length - 1; i >= 0; i--) {
      if (kept.includes(made[i]!)) continue;
      made[i]!.grad.dispose();
      made.splice(i, 1);
    }
  };
  const tooHigh = (point: LinePoint): boolean => point.f > start.f + c1 * point.t * start.slope;
  const flatEnough = (point: LinePoint): boolean => Math.abs(point.slope) <= -c2 * start.slope;

  let previous = start;
  let current = at(first);
  let evaluations = 1;
  let tries = 0;
  let bracket: [LinePoint, LinePoint] | undefined;
  for (; tries < maxEvaluations; tries++) {
    if (tooHigh(current) || (tries > 1 && current.f >= previous.f)) {
      bracket = [previous, current];
      break;
    }
    if (flatEnough(current)) {
      keepOnly(current);
      return { point: current, evaluations };
    }
    if (current.slope >= 0) {
      bracket = [previous, current];
      break;
    }
    const bounds = [current.t + 0.01 * (current.t - previous.t), current.t * 10] as const;
    const next = cubicMinimum(previous, current, bounds);
    previous = current;
    current = at(next);
    keepOnly(previous, current);
    evaluations++;
  }
  bracket ??= [start, current];

  let low = bracket[0].f <= bracket[1].f ? 0 : 1;
  let stuck = false;
  while (tries < maxEvaluations) {
    const [a, b] = bracket;
    const [from, to] = [Math.min(a.t, b.t), Math.max(a.t, b.t)];
    if ((to - from) * largest < toleranceChange) break;
    let t = cubicMinimum(a, b);
    // Twice in a row near an end of the bracket, or on it, is no progress: a tenth of the bracket away instead.
    const margin = 0.1 * (to - from);
    if (Math.min(to - t, t - from) < margin) {
      if (stuck || t >= to || t <= from) {
        t = Math.abs(t - to) < Math.abs(t - from) ? to - margin : from + margin;
        stuck = false;
      } else stuck = true;
    } else stuck = false;
    const trial = at(t);
    evaluations++;
    tries++;
    const best = bracket[low]!;
    const high = 1 - low;
    if (tooHigh(trial) || trial.f >= best.f) {
      bracket[high] = trial;
      low = bracket[0].f <= bracket[1].f ? 0 : 1;
    } else {
      const found = flatEnough(trial);
      if (!found && trial.slope * (bracket[high]!.t - best.t) >= 0) bracket[high] = best;
      bracket[low] = trial;
      if (found) break;
    }
    keepOnly(...bracket);
  }
  const point = bracket[low]!;
  keepOnly(point);
  return { point, evaluations };
}
