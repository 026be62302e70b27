import { MODELS, RandomStream, badValue, checkKeys, register, sizeOf } from '@engine/core';
import {
  attention,
  linear,
  noGrad,
  randomUniform,
  scaledDotProductAttention,
  selfAttention,
  tf,
  type ModuleKind,
  type Tensor,
  type Variable,
} from '@engine/tensor';

import { fans } from '../init/functions.js';
import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { assign } from '../state-dict.js';
import { Dropout } from './dropout.js';
import { Linear } from './linear.js';
import { positive } from './pair.js';

export interface MultiheadAttentionOptions extends ModuleOptions {
  embedDim: number;
  /** Must divide `embedDim`. */
  numHeads: number;
  /** Probability with which an attention weight is dropped in training; 0 unless said. */
  dropout?: number;
  /** Whether projections have biases; true unless said. */
  bias?: boolean;
  /** Length of the keys; `embedDim` unless said. */
  kdim?: number | undefined;
  /** Length of the values; `embedDim` unless said. */
  vdim?: number | undefined;
  /** Whether sequences are [N, L, E] instead of PyTorch's [L, N, E]; false unless said. */
  batchFirst?: boolean;
}

export interface MultiheadAttentionInputs {
  /** bool [N, S]: true keys are left out; float32: added to the scores. */
  keyPaddingMask?: Tensor | undefined;
  /** [L, S] or [N · numHeads, L, S]; bool: true pairs are left out, as in PyTorch; float32: added to the scores. */
  attnMask?: Tensor | undefined;
  /** Query t looks at keys 0…t only; false unless said. */
  isCausal?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    MultiheadAttention: MultiheadAttentionOptions;
  }
}

/** Pairs of a query and a key up to which their probabilities are kept between the passes. */
const MOST_PROBABILITIES = 512 * 512;

/** A bool mask, true where something is left out, as one to add. */
function additive(mask: Tensor): Tensor {
  return mask.dtype === 'bool' ? tf.where(mask, tf.scalar(-Infinity), tf.scalar(0)) : mask;
}

/**
 * Multi-head attention (A. Vaswani et al. 2017, arXiv:1706.03762), with PyTorch's parameters: `in_proj_weight`
 * [embedDim, 3 · embedDim] (or `q_proj_weight`, `k_proj_weight`, `v_proj_weight` where keys or values have another
 * length), `in_proj_bias` [3 · embedDim] and `out_proj`.
 */
@register(MODELS)
export class MultiheadAttention extends Module {
  readonly inProjWeight: Variable | undefined;
  readonly qProjWeight: Variable | undefined;
  readonly kProjWeight: Variable | undefined;
  readonly vProjWeight: Variable | undefined;
  readonly inProjBias: Variable | undefined;
  readonly outProj: Linear;
  readonly attnDropout: Dropout;
  readonly numHeads: number;
  readonly batchFirst: boolean;
  private readonly lengths: readonly [number, number, number];

  constructor(options: MultiheadAttentionOptions) {
    checkKeys('MultiheadAttention', options, [
      'embedDim',
      'numHeads',
      'dropout',
      'bias',
      'kdim',
      'vdim',
      'batchFirst',
      'initCfg',
    ]);
    super(options);
    const { dropout = 0, bias = true, batchFirst = false } = options;
    const embed = positive('MultiheadAttention.embedDim', options.embedDim);
    const kdim = positive('MultiheadAttention.kdim', options.kdim ?? embed);
    const vdim = positive('MultiheadAttention.vdim', options.vdim ?? embed);
    this.numHeads = positive('MultiheadAttention.numHeads', options.numHeads);
    if (embed % this.numHeads !== 0)
      throw badValue('MultiheadAttention.numHeads', this.numHeads, `a divisor of embedDim ${embed}`);
    this.batchFirst = batchFirst;
    this.lengths = [embed, kdim, vdim];
    const weight = (rows: number, columns: number, name: string): Variable =>
      this.parameter(tf.zeros([rows, columns]), { layout: 'IO', name });
    if (kdim === embed && vdim === embed) this.inProjWeight = weight(embed, 3 * embed, 'in_proj_weight');
    else {
      this.qProjWeight = weight(embed, embed, 'q_proj_weight');
      this.kProjWeight = weight(kdim, embed, 'k_proj_weight');
      this.vProjWeight = weight(vdim, embed, 'v_proj_weight');
    }
    if (bias) this.inProjBias = this.parameter(tf.zeros([3 * embed]), { name: 'in_proj_bias' });
    this.outProj = new Linear({ inFeatures: embed, outFeatures: embed, bias });
    this.attnDropout = new Dropout({ p: dropout });
    this.resetParameters((leaf) => RandomStream.of(0, 'init', leaf));
  }

  override get kind(): ModuleKind {
    return 'linear';
  }

  override namedChildren(): [string, Module][] {
    return [
      ['out_proj', this.outProj],
      ['attn_dropout', this.attnDropout],
    ];
  }

  /** PyTorch's default: uniform Glorot weights of the input projections, all biases zero. */
  override resetParameters(stream: StreamOf): void {
    noGrad(() => {
      for (const [name, variable] of this.ownVariables()) {
        if (variable === this.inProjBias) {
          assign(variable, tf.zeros(variable.shape));
          continue;
        }
        const { fanIn, fanOut } = fans(variable);
        const bound = Math.sqrt(6 / (fanIn + fanOut));
        assign(variable, randomUniform(variable.shape, stream(name), { low: -bound, high: bound }));
      }
      if (this.outProj.bias && !this.outProj.loaded)
        assign(this.outProj.bias, tf.zeros(this.outProj.bias.shape));
    });
  }

  /**
   * @param query [N, L, embedDim] with `batchFirst`, else [L, N, embedDim]
   * @param key [N, S, kdim]; the query unless said
   * @param value [N, S, vdim]; the key unless said
   * @returns of the shape of the query
   * @throws E_CONFIG_VALUE when a shape does not fit
   */
  forward(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    inputs: MultiheadAttentionInputs = {},
  ): Tensor {
    [query, key, value].forEach((tensor, i) => {
      if (tensor.rank !== 3 || tensor.shape[2] !== this.lengths[i]) {
        const name = ['query', 'key', 'value'][i];
        const axes = this.batchFirst ? 'N, L' : 'L, N';
        throw badValue(
          `MultiheadAttention.forward.${name}.shape`,
          tensor.shape,
          `[${axes}, ${this.lengths[i]}]`,
        );
      }
    });
    const exchange = (x: Tensor): Tensor => (this.batchFirst ? x : tf.transpose(x, [1, 0, 2]));
    return tf.tidy(() => {
      const causal = inputs.isCausal ?? false;
      const drops = this.training && this.attnDropout.p > 0;
      const masked = inputs.keyPaddingMask !== undefined || inputs.attnMask !== undefined;
      const [l, s] = [query, key].map(({ shape }) => shape[this.batchFirst ? 1 : 0]!) as [number, number];
      const joined =
        drops || masked || l * s > MOST_PROBABILITIES
          ? this.attendApart(this.project(query, key, value).map(exchange), inputs, drops)
          : this.attendTogether(query, key, value, exchange, causal);
      return this.outProj.forward(exchange(joined));
    });
  }

  /** Heads stay side by side as the projections put them. */
  private attendTogether(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    exchange: (x: Tensor) => Tensor,
    causal: boolean,
  ): Tensor {
    const options = { heads: this.numHeads, causal };
    if (this.inProjWeight && query === key && key === value)
      return selfAttention(exchange(linear(query, this.inProjWeight, this.inProjBias)), options);
    const [q, k, v] = this.project(query, key, value).map(exchange) as [Tensor, Tensor, Tensor];
    return attention(q, k, v, options);
  }

  /** With masks and dropout, and in memory that does not grow with the product of the lengths. */
  private attendApart(projected: Tensor[], inputs: MultiheadAttentionInputs, drops: boolean): Tensor {
    const [q, k, v] = projected.map((x) => this.split(x)) as [Tensor, Tensor, Tensor];
    const mask = this.mask(q, k, inputs);
    const causal = inputs.isCausal ?? false;
    const attended = drops
      ? this.attendWithDropout(q, k, v, mask, causal)
      : scaledDotProductAttention(q, k, v, { mask, causal });
    const [n, , l] = attended.shape as [number, number, number, number];
    return tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [n, l, this.lengths[0]]);
  }

  /** Queries, keys and values, each [.., .., embedDim]; in one product where all come from one tensor. */
  private project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const embed = this.lengths[0];
    if (this.inProjWeight && query === key && key === value)
      return tf.split(linear(query, this.inProjWeight, this.inProjBias), 3, 2);
    const weights: Tensor[] = this.inProjWeight
      ? tf.split(this.inProjWeight as Tensor, 3, 1)
      : [this.qProjWeight!, this.kProjWeight!, this.vProjWeight!];
    const biases = this.inProjBias
      ? [0, 1, 2].map((i) => tf.slice(this.inProjBias as Tensor, [i * embed], [embed]))
      : [];
    return [query, key, value].map((x, i) => linear(x, weights[i]!, biases[i]));
  }

  /** [N, L, embedDim] → [N, numHeads, L, embedDim / numHeads]. */
  private split(x: Tensor): Tensor {
    const [n, l, embed] = x.shape as [number, number, number];
    return tf.transpose(tf.reshape(x, [n, l, this.numHeads, embed / this.numHeads]), [0, 2, 1, 3]);
  }

  /** Both masks as one to add, broadcasting to [N, numHeads, L, S]. */
  private mask(
    q: Tensor,
    k: Tensor,
    { keyPaddingMask, attnMask }: MultiheadAttentionInputs,
  ): Tensor | undefined {
    const [n, heads, l] = q.shape as [number, number, number];
    const s = k.shape[2]!;
    const parts: Tensor[] = [];
    const take = (name: string, mask: Tensor, shape: number[], accepted: string): void => {
      if (mask.size !== sizeOf(shape)) {
        throw badValue(`MultiheadAttention.forward.${name}.shape`, mask.shape, accepted);
      }
      parts.push(additive(tf.reshape(mask, shape)));
    };
    if (keyPaddingMask) take('keyPaddingMask', keyPaddingMask, [n, 1, 1, s], `[${n}, ${s}]`);
    if (attnMask) {
      const whole = attnMask.rank === 3 ? [n, heads, l, s] : [1, 1, l, s];
      take('attnMask', attnMask, whole, `[${l}, ${s}] or [${n * heads}, ${l}, ${s}]`);
    }
    return parts.length > 1 ? tf.add(parts[0]!, parts[1]!) : parts[0];
  }

  private attendWithDropout(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | undefined,
    causal: boolean,
  ): Tensor {
    let scores: Tensor = tf.matMul(tf.mul(q, 1 / Math.sqrt(q.shape[3]!)), k, false, true);
    if (mask) scores = tf.add(scores, mask);
    if (causal) {
      const row = tf.expandDims(tf.range(0, q.shape[2]!, 1, 'int32'), 1);
      scores = tf.add(scores, additive(tf.greater(tf.range(0, k.shape[2]!, 1, 'int32'), row)));
    }
    return tf.matMul(this.attnDropout.forward(tf.softmax(scores)), v);
  }
}
