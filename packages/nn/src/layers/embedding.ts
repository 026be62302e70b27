import { MODELS, RandomStream, badValue, checkKeys, register } from '@engine/core';
import {
  embedding,
  noGrad,
  randomNormal,
  tf,
  type ModuleKind,
  type Tensor,
  type Variable,
} from '@engine/tensor';

import { Module, type ModuleOptions, type StreamOf } from '../module.js';
import { assign } from '../state-dict.js';
import { positive } from './pair.js';

export interface EmbeddingOptions extends ModuleOptions {
  numEmbeddings: number;
  embeddingDim: number;
  /** Row that starts as zeros and gets no gradient; negative numbers count from the end; none unless said. */
  paddingIdx?: number | undefined;
  /** Rows that are looked up and longer than this are first cut to it, for good; no limit unless said. */
  maxNorm?: number | undefined;
  /** p of the norm of `maxNorm`; 2 unless said. */
  normType?: number;
  /** Divide the gradient of each row by how often the row was looked up; false unless said. */
  scaleGradByFreq?: boolean;
}

declare module '@engine/core' {
  interface ModelTypes {
    Embedding: EmbeddingOptions;
  }
}

/** Rows of a learned table by their numbers: int32 [...] → [..., embeddingDim]. `weight` is [numEmbeddings, embeddingDim]. */
@register(MODELS)
export class Embedding extends Module {
  readonly weight: Variable;
  readonly paddingIdx: number | undefined;
  private readonly maxNorm: number | undefined;
  private readonly normType: number;
  private readonly scaleGradByFreq: boolean;

  constructor(options: EmbeddingOptions) {
    checkKeys('Embedding', options, [
      'numEmbeddings',
      'embeddingDim',
      'paddingIdx',
      'maxNorm',
      'normType',
      'scaleGradByFreq',
      'initCfg',
    ]);
    super(options);
    const { paddingIdx, maxNorm, normType = 2, scaleGradByFreq = false } = options;
    const rows = positive('Embedding.numEmbeddings', options.numEmbeddings);
    const width = positive('Embedding.embeddingDim', options.embeddingDim);
    if (
      paddingIdx !== undefined &&
      !(Number.isInteger(paddingIdx) && paddingIdx >= -rows && paddingIdx < rows)
    ) {
      throw badValue('Embedding.paddingIdx', paddingIdx, `an integer from ${-rows} to ${rows - 1}`);
    }
    if (maxNorm !== undefined && !(maxNorm > 0))
      throw badValue('Embedding.maxNorm', maxNorm, 'a positive number');
    if (!(normType > 0)) throw badValue('Embedding.normType', normType, 'a positive number');
    this.paddingIdx = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.scaleGradByFreq = scaleGradByFreq;
    this.weight = this.parameter(tf.zeros([rows, width]));
    this.resetParameters((leaf) => RandomStream.of(0, 'init', leaf));
  }

  override get kind(): ModuleKind {
    return 'embedding';
  }

  /** PyTorch's default: standard normal, zeros in the row `paddingIdx`. */
  override resetParameters(stream: StreamOf): void {
    noGrad(() => {
      const value = tf.tidy(() => {
        const drawn = randomNormal(this.weight.shape, stream('weight'));
        if (this.paddingIdx === undefined) return drawn;
        const row = tf.expandDims(tf.range(0, this.weight.shape[0]!, 1, 'int32'), 1);
        return tf.where(tf.equal(row, this.paddingIdx), tf.zerosLike(drawn), drawn);
      });
      assign(this.weight, value);
    });
  }

  /** @throws E_CONFIG_VALUE when the indices are not int32 */
  forward(indices: Tensor): Tensor {
    return tf.tidy(() => {
      if (this.maxNorm !== undefined) noGrad(() => this.limit(indices, this.maxNorm!));
      return embedding(this.weight, indices, {
        paddingIndex: this.paddingIdx ?? -1,
        byFrequency: this.scaleGradByFreq,
      });
    });
  }

  private limit(indices: Tensor, maxNorm: number): void {
    const norm = tf.norm(this.weight, this.normType, 1, true);
    const rows = this.weight.shape[0]!;
    const counts = tf.scatterND(tf.reshape(indices, [-1, 1]), tf.ones([indices.size]), [rows]);
    const tooLong = tf.logicalAnd(tf.greater(norm, maxNorm), tf.expandDims(tf.greater(counts, 0), 1));
    const factor = tf.where(tooLong, tf.div(maxNorm, tf.add(norm, 1e-7)), tf.onesLike(norm));
    this.weight.assign(tf.mul(this.weight, factor));
  }
}
