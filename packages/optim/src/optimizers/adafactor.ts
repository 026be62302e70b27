import { badValue, checkKeys, OPTIMIZERS, register } from '@engine/core';
import { tf, type ParamRef, type Tensor } from '@engine/tensor';
import { requireNonNegative } from '../checks.js';
import { Optimizer, type UpdateBatch } from '../optimizer.js';
import { definedOnly, type ParamGroup, type ParamsInput } from '../param-group.js';
import { newBuffer } from '../param-state.js';
import { moveTowards } from './math.js';

export interface AdafactorOptions {
  /** Upper bound of the relative step; 0.01. */
  lr?: number;
  /** Power of the decay of the second moment; -0.8. */
  beta2Decay?: number;
  /** Floors of the second moment (null: float32's epsilon) and of the size of the parameters; [null, 0.001]. */
  eps?: readonly [number | null, number];
  /** Steps whose root mean square exceeds this are scaled down; 1. */
  d?: number;
  /** Decoupled weight decay; 0. */
  weightDecay?: number;
  /** Ascend instead of descend; false. */
  maximize?: boolean;
}

declare module '@engine/core' {
  interface OptimizerTypes {
    TorchAdafactor: AdafactorOptions;
    Adafactor: AdafactorOptions;
  }
}

const DEFAULTS: Required<AdafactorOptions> = {
  lr: 1e-2,
  beta2Decay: -0.8,
  eps: [null, 1e-3],
  d: 1,
  weightDecay: 0,
  maximize: false,
};

const FLOAT32_EPSILON = 2 ** -23;

/**
 * The axes that PyTorch would call the last and the last but one: factors are taken along them, whatever the layout
 * in memory; undefined for a vector or a scalar.
 */
function factoredAxes(param: ParamRef): { last: number; beforeLast: number } | undefined {
  const { rank } = param.variable;
  if (rank < 2) return undefined;
  if (param.layout === 'IO') return { last: 0, beforeLast: 1 };
  if (param.layout !== 'none') return { last: 1, beforeLast: 0 };
  return { last: rank - 1, beforeLast: rank - 2 };
}

function without(shape: readonly number[], axis: number): number[] {
  return shape.map((n, i) => (i === axis ? 1 : n));
}

function rootMeanSquare(tensor: Tensor): Tensor {
  return tf.sqrt(tf.mean(tf.square(tensor)));
}

/**
 * Second moments as products of row and column averages, and steps relative to the size of the parameters;
 * `torch.optim.Adafactor`'s semantics.
 * @throws E_CONFIG_VALUE
 * @see Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", arXiv:1804.04235
 */
@register(OPTIMIZERS, { name: 'TorchAdafactor', aliases: ['Adafactor'] })
export class Adafactor extends Optimizer {
  constructor(params: ParamsInput, options: AdafactorOptions = {}) {
    checkKeys('Adafactor', options, Object.keys(DEFAULTS));
    super(params, { ...DEFAULTS, ...definedOnly(options) });
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'd', 'weightDecay']) requireNonNegative(`Adafactor.${key}`, group[key]);
    const { beta2Decay, eps } = group as ParamGroup & Required<AdafactorOptions>;
    if (!(beta2Decay <= 0))
      throw badValue('Adafactor.beta2Decay', beta2Decay, 'a number that is not positive');
    const [first, second] = eps;
    if ((first !== null && !(first >= 0)) || !(second >= 0)) {
      throw badValue(
        'Adafactor.eps',
        eps,
        'null or a number that is not negative, and a number that is not negative',
      );
    }
  }

  protected override initState(param: ParamRef) {
    const names = factoredAxes(param) ? ['row_var', 'col_var'] : ['variance'];
    const buffers = names.map((name) => [name, newBuffer(param, 0, this.bufferShape(name, param))] as const);
    return { buffers: Object.fromEntries(buffers), numbers: {} };
  }

  protected override bufferShape(buffer: string, param: ParamRef): readonly number[] {
    const axes = factoredAxes(param);
    if (!axes || buffer === 'variance') return param.variable.shape;
    return without(param.variable.shape, buffer === 'row_var' ? axes.last : axes.beforeLast);
  }

  protected update(batch: UpdateBatch): void {
    const options = batch.group as ParamGroup & Required<AdafactorOptions>;
    const { lr, d, weightDecay } = options;
    const floor = options.eps[0] ?? FLOAT32_EPSILON;
    batch.variables.forEach((param, i) => {
      const { step, buffers } = batch.states[i]!;
      const grad = options.maximize ? tf.neg(batch.grads[i]!) : batch.grads[i]!;
      const weight = step ** options.beta2Decay;
      // The size of the parameters counts before they decay.
      const rate = tf.mul(
        tf.maximum(rootMeanSquare(param), options.eps[1]),
        Math.min(lr, 1 / Math.sqrt(step)),
      );
      if (weightDecay) param.assign(tf.mul(param, 1 - lr * weightDecay));
      const axes = factoredAxes(batch.params[i]!);
      let variance: Tensor;
      if (axes) {
        const { row_var: rows, col_var: columns } = buffers;
        const squares = tf.square(grad);
        moveTowards(rows!, tf.mean(squares, axes.last, true), weight);
        moveTowards(columns!, tf.mean(squares, axes.beforeLast, true), weight);
        const mean = tf.maximum(tf.mean(rows!, axes.beforeLast, true), floor);
        variance = tf.div(tf.mul(rows!, columns!), mean);
      } else {
        moveTowards(buffers.variance!, tf.square(grad), weight);
        variance = buffers.variance!;
      }
      const direction = tf.mul(tf.rsqrt(tf.maximum(variance, floor * floor)), grad);
      const excess = tf.maximum(tf.div(rootMeanSquare(direction), d), 1);
      param.assign(tf.sub(param, tf.mul(direction, tf.div(rate, excess))));
    });
  }
}
