import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import {
  byStep,
  definedOnly,
  descend,
  moveTowards,
  newBuffer,
  Optimizer,
  requireBetas,
  requireNonNegative,
  requirePositiveInt,
  requireWithin,
  type ParamGroup,
  type ParamsInput,
  type StepBatch,
  type UpdateBatch,
} from '@engine/optim';
import { adamUpdate, tf, type ParamRef, type Tensor2D } from '@engine/tensor';
import { norm } from './trust-ratio.js';

export interface MuonOptions {
  /** Learning rate; 0.001. */
  lr?: number;
  /** Decoupled weight decay; 0.1. */
  weightDecay?: number;
  /** Decay rate of the average of the gradient; 0.95. */
  momentum?: number;
  /** Step along the average as it will be; true. */
  nesterov?: boolean;
  /** Iterations that make the step orthogonal; 5. */
  nsSteps?: number;
  /** Coefficients of the quintic of each iteration; [3.4445, -4.775, 2.0315]. */
  nsCoefficients?: readonly [number, number, number];
  /** Least norm that a step is divided by; 1e-7. */
  eps?: number;
  /**
   * How the rate depends on the shape: `original`, times √max(1, out/in); `match_rms_adamw`, times 0.2·√max(out, in),
   * so that rates of AdamW can be kept. `original`.
   */
  adjustLrFn?: 'original' | 'match_rms_adamw';
  /** Rate of AdamW, for parameters that are no matrices, relative to `lr`; 1. */
  adamLrMult?: number;
  /** Decay rates of AdamW; [0.9, 0.95]. */
  adamBetas?: readonly [number, number];
  /** Added to AdamW's denominator; 1e-8. */
  adamEps?: number;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    Muon: MuonOptions;
  }
}

const DEFAULTS: Required<MuonOptions> = {
  lr: 1e-3,
  weightDecay: 0.1,
  momentum: 0.95,
  nesterov: true,
  nsSteps: 5,
  nsCoefficients: [3.4445, -4.775, 2.0315],
  eps: 1e-7,
  adjustLrFn: 'original',
  adamLrMult: 1,
  adamBetas: [0.9, 0.95],
  adamEps: 1e-8,
};

/**
 * Momentum whose matrices are made orthogonal before each step, by the semantics of `torch.optim.Muon` but in float32.
 * Filters count as matrices of output channels by everything else. Biases, norms and embeddings get AdamW's step with
 * the same weight decay.
 * @throws E_CONFIG_VALUE
 * @see Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
 *   https://kellerjordan.github.io/posts/muon; Liu et al., "Muon is Scalable for LLM Training", arXiv:2502.16982
 */
@register(OPTIMIZERS)
export class Muon extends Optimizer {
  constructor(params: ParamsInput, options: MuonOptions = {}) {
    checkKeys('Muon', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    const { nsCoefficients, adjustLrFn } = group as ParamGroup & Required<MuonOptions>;
    for (const key of ['lr', 'weightDecay', 'eps', 'adamLrMult', 'adamEps'])
      requireNonNegative(`Muon.${key}`, group[key]);
    requireWithin('Muon.momentum', group.momentum, 0, 1);
    requirePositiveInt('Muon.nsSteps', group.nsSteps);
    requireBetas('Muon.adamBetas', group.adamBetas);
    if (nsCoefficients?.length !== 3) throw badValue('Muon.nsCoefficients', nsCoefficients, 'three numbers');
    if (!['original', 'match_rms_adamw'].includes(adjustLrFn))
      throw badValue('Muon.adjustLrFn', adjustLrFn, "'original' or 'match_rms_adamw'");
  }

  protected override initState(param: ParamRef) {
    const names = isMatrix(param) ? ['momentum_buffer'] : ['exp_avg', 'exp_avg_sq'];
    return { buffers: Object.fromEntries(names.map((name) => [name, newBuffer(param)])), numbers: {} };
  }

  protected update(batch: UpdateBatch): void {
    this.updateMatrices(batch);
    const rest = pick(batch, (param) => !isMatrix(param));
    if (rest.params.length > 0) for (const part of byStep(rest)) adamw(part);
  }

  private updateMatrices(batch: UpdateBatch): void {
    const settings = batch.group as ParamGroup & Required<MuonOptions>;
    const { lr, weightDecay, momentum, nesterov, adjustLrFn } = settings;
    const { params, variables, grads, states } = pick(batch, isMatrix);
    variables.forEach((variable, i) => {
      const average = states[i]!.buffers.momentum_buffer!;
      const grad = grads[i]!;
      moveTowards(average, grad, 1 - momentum);
      const ahead = nesterov ? tf.add(grad, tf.mul(tf.sub(average, grad), momentum)) : average;
      const { matrix, outputs, inputs } = asMatrix(params[i]!);
      const direction = orthogonalise(tf.reshape(ahead, matrix) as Tensor2D, settings);
      const scale =
        adjustLrFn === 'original'
          ? Math.sqrt(Math.max(1, outputs / inputs))
          : 0.2 * Math.sqrt(Math.max(outputs, inputs));
      if (weightDecay) variable.assign(tf.mul(variable, 1 - lr * weightDecay));
      descend(variable, tf.reshape(direction, variable.shape), lr * scale);
    });
  }
}

function isMatrix(param: ParamRef): boolean {
  return param.variable.rank >= 2 && param.ownerKind !== 'embedding';
}

/** Two axes for a parameter in memory order, and how many outputs it has: PyTorch's first axis. */
function asMatrix({ variable, layout }: ParamRef): {
  matrix: [number, number];
  outputs: number;
  inputs: number;
} {
  const { shape, size } = variable;
  const outputsLast = layout !== 'none';
  const last = shape[shape.length - 1]!;
  const outputs = layout === 'HWIM' ? shape[2]! * last : outputsLast ? last : shape[0]!;
  const inputs = size / outputs;
  return { matrix: outputsLast ? [inputs, outputs] : [outputs, inputs], outputs, inputs };
}

/** A matrix with about the same singular vectors and singular values near 1, by Newton and Schulz's iteration. */
function orthogonalise(matrix: Tensor2D, settings: Required<MuonOptions>): Tensor2D {
  const [a, b, c] = settings.nsCoefficients;
  const tall = matrix.shape[0] > matrix.shape[1];
  let x = (tall ? tf.transpose(matrix) : matrix) as Tensor2D;
  x = tf.div(x, tf.maximum(norm(x), settings.eps));
  for (let step = 0; step < settings.nsSteps; step++) {
    const gram = tf.matMul(x, x, false, true);
    const polynomial = tf.add(tf.mul(gram, b), tf.mul(tf.matMul(gram, gram), c));
    x = tf.add(tf.mul(x, a), tf.matMul(polynomial as Tensor2D, x));
  }
  return (tall ? tf.transpose(x) : x) as Tensor2D;
}

function adamw({ group, step, variables, grads, states }: StepBatch): void {
  const { lr, weightDecay, adamLrMult, adamBetas, adamEps } = group as ParamGroup & Required<MuonOptions>;
  adamUpdate({
    params: variables,
    grads,
    expAvgs: states.map((s) => s.buffers.exp_avg!),
    expAvgSqs: states.map((s) => s.buffers.exp_avg_sq!),
    lr: lr * adamLrMult,
    beta1: adamBetas[0],
    beta2: adamBetas[1],
    eps: adamEps,
    weightDecay,
    step,
  });
}

function pick(batch: UpdateBatch, test: (param: ParamRef) => boolean): UpdateBatch {
  const kept = batch.params.flatMap((param, i) => (test(param) ? [i] : []));
  return {
    group: batch.group,
    params: kept.map((i) => batch.params[i]!),
    variables: kept.map((i) => batch.variables[i]!),
    grads: kept.map((i) => batch.grads[i]!),
    states: kept.map((i) => batch.states[i]!),
  };
}
