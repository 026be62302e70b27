import type { ParamGroup } from '@engine/optim';

/**
 * A stretch of one parameter: `length` elements of `param` and `grad` from `offset` on, and as many of the states and
 * of `direction` from 0 on.
 */
export interface Stretch {
  param: Float32Array;
  grad: Float32Array;
  offset: number;
  length: number;
  state1: Float32Array;
  state2: Float32Array;
  state3: Float32Array;
  /** Receives what the parameter moves against, times the rate that the rule returns. */
  direction: Float32Array;
  /** Number of this update, from 1. */
  step: number;
}

/** Updates the states of a stretch, decays its parameters and writes its direction; returns the rate. */
export type Rule = (stretch: Stretch, group: ParamGroup) => number;

type Settings = ParamGroup & { betas: readonly [number, number]; eps: number; weightDecay: number };

// Intermediate results are rounded to float32 where PyTorch's kernels round them, which multiply and add at once: a
// code of the quantised state may depend on the last bit.
const { fround, sqrt } = Math;

function decay({ param, offset, length }: Stretch, factor: number): void {
  const keep = fround(factor);
  for (let i = offset; i < offset + length; i++) param[i] = param[i]! * keep;
}

/** Gradient with that of an L2 penalty. */
function penalised(param: number, grad: number, weightDecay: number): number {
  return weightDecay ? fround(grad + weightDecay * param) : grad;
}

/** Adam with decoupled weight decay. Kingma and Ba, arXiv:1412.6980; Loshchilov and Hutter, arXiv:1711.05101. */
export const adamRule: Rule = (stretch, group) => {
  const { lr, betas, eps, weightDecay } = group as Settings;
  const { grad, offset, length, state1, state2, direction, step } = stretch;
  const [keep1, keep2] = [fround(betas[0]), fround(betas[1])];
  const [add1, add2] = [fround(1 - betas[0]), fround(1 - betas[1])];
  const correction2 = sqrt(1 - betas[1] ** step);
  const floor = eps * correction2;
  if (weightDecay) decay(stretch, 1 - lr * weightDecay);
  for (let i = 0; i < length; i++) {
    const g = grad[offset + i]!;
    const m = fround(fround(state1[i]! * keep1) + add1 * g);
    const v = fround(fround(state2[i]! * keep2) + fround(add2 * g) * g);
    state1[i] = m;
    state2[i] = v;
    direction[i] = m / (fround(sqrt(v)) + floor);
  }
  return (lr * correction2) / (1 - betas[0] ** step);
};

type Mixed = ParamGroup & {
  betas: readonly [number, number, number];
  alpha: number;
  eps: number;
  weightDecay: number;
  tAlpha: number | null;
  tBeta3: number | null;
};

/** Adam with a second, slow average of the gradient, `alpha` times which is added. Pagliardini et al., arXiv:2409.03137. */
export const ademamixRule: Rule = (stretch, group) => {
  const { lr, betas, eps, weightDecay } = group as Mixed;
  const { grad, offset, length, state1, state2, state3, direction, step } = stretch;
  const { alpha, beta3 } = mixtureAt(group as Mixed, step);
  const [keep1, keep2, keep3] = [fround(betas[0]), fround(betas[1]), fround(beta3)];
  const [add1, add2, add3] = [fround(1 - betas[0]), fround(1 - betas[1]), fround(1 - beta3)];
  const correction1 = fround(1 - betas[0] ** step);
  const correction2 = fround(sqrt(1 - betas[1] ** step));
  const mixture = fround(alpha);
  if (weightDecay) decay(stretch, 1 - lr * weightDecay);
  for (let i = 0; i < length; i++) {
    const g = grad[offset + i]!;
    const fast = fround(fround(state1[i]! * keep1) + add1 * g);
    const slow = fround(fround(state3[i]! * keep3) + add3 * g);
    const v = fround(fround(state2[i]! * keep2) + fround(add2 * g) * g);
    state1[i] = fast;
    state3[i] = slow;
    state2[i] = v;
    const mixed = fround(fround(fast / correction1) + fround(mixture * slow));
    direction[i] = mixed / fround(fround(fround(sqrt(v)) / correction2) + eps);
  }
  return lr;
};

/** The share of the slow average and its decay rate, which grow to their settings over `tAlpha` and `tBeta3` steps. */
function mixtureAt({ betas, alpha, tAlpha, tBeta3 }: Mixed, step: number): { alpha: number; beta3: number } {
  const grown = tAlpha ? Math.min((step * alpha) / tAlpha, alpha) : alpha;
  if (!tBeta3) return { alpha: grown, beta3: betas[2] };
  const [first, last] = [Math.log(betas[0]), Math.log(betas[2])];
  const part = step / tBeta3;
  const between = Math.exp((first * last) / ((1 - part) * last + part * first));
  return { alpha: grown, beta3: Math.min(between, betas[2]) };
}

/** Momentum without dampening; the first one is the gradient. */
export const momentumRule: Rule = ({ param, grad, offset, length, state1, direction, step }, group) => {
  const { lr, momentum, weightDecay } = group as Settings & { momentum: number };
  const keep = fround(momentum);
  const penalty = fround(weightDecay);
  for (let i = 0; i < length; i++) {
    const g = penalised(param[offset + i]!, grad[offset + i]!, penalty);
    const m = step === 1 ? g : fround(fround(state1[i]! * keep) + g);
    state1[i] = m;
    direction[i] = m;
  }
  return lr;
};

/** Sign momentum. Chen et al., arXiv:2302.06675. */
export const lionRule: Rule = (stretch, group) => {
  const { lr, betas, weightDecay } = group as Settings;
  const { grad, offset, length, state1, direction } = stretch;
  const [keep1, keep2] = [fround(betas[0]), fround(betas[1])];
  const [add1, add2] = [fround(1 - betas[0]), fround(1 - betas[1])];
  if (weightDecay) decay(stretch, 1 - lr * weightDecay);
  for (let i = 0; i < length; i++) {
    const g = grad[offset + i]!;
    const m = state1[i]!;
    direction[i] = Math.sign(fround(fround(m * keep1) + fround(add1 * g)));
    state1[i] = fround(m * keep2) + add2 * g;
  }
  return lr;
};

/** Division by the root of a running mean of squares. Tieleman and Hinton, Coursera lecture 6.5, 2012. */
export const rmspropRule: Rule = ({ param, grad, offset, length, state1, direction }, group) => {
  const { lr, alpha, eps, weightDecay } = group as Settings & { alpha: number };
  const [keep, add] = [fround(alpha), fround(1 - alpha)];
  const penalty = fround(weightDecay);
  for (let i = 0; i < length; i++) {
    const g = penalised(param[offset + i]!, grad[offset + i]!, penalty);
    const v = fround(fround(state1[i]! * keep) + fround(add * g) * g);
    state1[i] = v;
    direction[i] = g / fround(fround(sqrt(v)) + eps);
  }
  return lr;
};

/** Division by the root of the sum of squares. Duchi et al., 2011. */
export const adagradRule: Rule = ({ param, grad, offset, length, state1, direction }, group) => {
  const { lr, eps, weightDecay } = group as Settings;
  const penalty = fround(weightDecay);
  for (let i = 0; i < length; i++) {
    const g = penalised(param[offset + i]!, grad[offset + i]!, penalty);
    const v = fround(state1[i]! + g * g);
    state1[i] = v;
    direction[i] = g / fround(fround(sqrt(v)) + eps);
  }
  return lr;
};
