import { tf } from '../tf.js';
import type { Tensor, Variable } from '../tf.js';

/** Runs the backend's in-place kernel when it has one; says whether it had. */
function runInPlace(name: string, inputs: Record<string, Tensor>, attrs: Record<string, unknown>): boolean {
  if (!tf.getKernel(name, tf.getBackend())) return false;
  tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
  return true;
}

export interface SgdUpdateOptions {
  params: readonly Variable[];
  /** One gradient for each parameter, of its shape. */
  grads: readonly Tensor[];
  /** One buffer for each parameter; needed with momentum. */
  momentumBuffers?: readonly Variable[] | undefined;
  lr: number;
  /** 0 unless said. */
  momentum?: number;
  /** 0 unless said. */
  dampening?: number;
  nesterov?: boolean;
  /** L2 penalty added to the gradient; 0 unless said. */
  weightDecay?: number;
  maximize?: boolean;
  /** First step: the momentum buffers become the gradient, whatever they held. */
  first?: boolean;
}

/**
 * One step of `torch.optim.SGD` for a list of parameters, all in one call on a backend that has `EngineSgdUpdate`.
 *
 * There the storage of parameters and buffers is overwritten: a `clone()` of one changes with it (see `copyTensor`).
 */
export function sgdUpdate(options: SgdUpdateOptions): void {
  const { params, grads, momentumBuffers, lr } = options;
  const {
    momentum = 0,
    dampening = 0,
    nesterov = false,
    weightDecay = 0,
    maximize = false,
    first = false,
  } = options;
  const inputs: Record<string, Tensor> = {};
  params.forEach((param, i) => {
    inputs[`p${i}`] = param;
    inputs[`g${i}`] = grads[i]!;
    if (momentum !== 0) inputs[`m${i}`] = momentumBuffers![i]!;
  });
  const attrs = { count: params.length, lr, momentum, dampening, nesterov, weightDecay, maximize, first };
  if (params.length === 0 || runInPlace('EngineSgdUpdate', inputs, attrs)) return;
  params.forEach((param, i) => {
    tf.tidy(() => {
      let grad = maximize ? tf.neg(grads[i]!) : grads[i]!;
      if (weightDecay !== 0) grad = tf.add(grad, tf.mul(param, weightDecay));
      if (momentum !== 0) {
        const buffer = momentumBuffers![i]!;
        buffer.assign(
          first ? tf.mul(grad, 1) : tf.add(tf.mul(buffer, momentum), tf.mul(grad, 1 - dampening)),
        );
        grad = nesterov ? tf.add(grad, tf.mul(buffer, momentum)) : buffer;
      }
      param.assign(tf.sub(param, tf.mul(grad, lr)));
    });
  });
}

export interface AdamUpdateOptions {
  params: readonly Variable[];
  /** One gradient for each parameter, of its shape. */
  grads: readonly Tensor[];
  /** Running mean of the gradients. */
  expAvgs: readonly Variable[];
  /** Running mean of their squares. */
  expAvgSqs: readonly Variable[];
  /** Largest running mean of squares so far; needed with `amsgrad`. */
  maxExpAvgSqs?: readonly Variable[] | undefined;
  lr: number;
  /** 0.9 unless said. */
  beta1?: number;
  /** 0.999 unless said. */
  beta2?: number;
  /** 1e-8 unless said. */
  eps?: number;
  /** 0 unless said. */
  weightDecay?: number;
  amsgrad?: boolean;
  maximize?: boolean;
  /** Number of this step, from 1. */
  step: number;
  /** Decay the weights themselves (AdamW) instead of adding to the gradient (Adam); true unless said. */
  decoupled?: boolean;
}

/**
 * One step of `torch.optim.AdamW` (or Adam, with `decoupled: false`) for a list of parameters, all in one call on a
 * backend that has `EngineAdamWUpdate`, which overwrites the storage of parameters and state.
 * Kingma and Ba 2014 (arXiv:1412.6980), Loshchilov and Hutter 2017 (arXiv:1711.05101), Reddi et al. 2018 (AMSGrad).
 */
export function adamUpdate(options: AdamUpdateOptions): void {
  const { params, grads, expAvgs, expAvgSqs, maxExpAvgSqs, lr, step } = options;
  const { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0 } = options;
  const { amsgrad = false, maximize = false, decoupled = true } = options;
  const inputs: Record<string, Tensor> = {};
  params.forEach((param, i) => {
    inputs[`p${i}`] = param;
    inputs[`g${i}`] = grads[i]!;
    inputs[`m${i}`] = expAvgs[i]!;
    inputs[`v${i}`] = expAvgSqs[i]!;
    if (amsgrad) inputs[`vmax${i}`] = maxExpAvgSqs![i]!;
  });
  const attrs = {
    count: params.length,
    lr,
    beta1,
    beta2,
    eps,
    weightDecay,
    amsgrad,
    maximize,
    step,
    decoupled,
  };
  if (params.length === 0 || runInPlace('EngineAdamWUpdate', inputs, attrs)) return;
  const stepSize = lr / (1 - beta1 ** step);
  const rootCorrection = Math.sqrt(1 - beta2 ** step);
  params.forEach((param, i) => {
    tf.tidy(() => {
      let grad = maximize ? tf.neg(grads[i]!) : grads[i]!;
      let value: Tensor = param;
      if (decoupled) value = tf.mul(param, 1 - lr * weightDecay);
      else if (weightDecay !== 0) grad = tf.add(grad, tf.mul(param, weightDecay));
      const m = expAvgs[i]!;
      const v = expAvgSqs[i]!;
      m.assign(tf.add(m, tf.mul(tf.sub(grad, m), 1 - beta1)));
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(grad), 1 - beta2)));
      let second: Tensor = v;
      if (amsgrad) {
        const largest = maxExpAvgSqs![i]!;
        largest.assign(tf.maximum(largest, v));
        second = largest;
      }
      const denominator = tf.add(tf.div(tf.sqrt(second), rootCorrection), eps);
      param.assign(tf.sub(value, tf.mul(tf.div(m, denominator), stepSize)));
    });
  });
}
