import { register } from '@engine/core';
import { BaseTTAModel, type BaseTTAModelOptions } from '@engine/nn';
import { tf } from '@engine/tensor';

import { MODELS } from '../registry.js';
import type { ClassPredictions } from './image-classifier.js';

declare module '@engine/core' {
  interface ModelTypes {
    'vision.AverageClsScoreTTA': Omit<BaseTTAModelOptions, 'module'> &
      Partial<Pick<BaseTTAModelOptions, 'module'>>;
  }
}

/** Test-time augmentation of a classifier: the scores of the views are averaged. MMPretrain's name. */
@register(MODELS)
export class AverageClsScoreTTA extends BaseTTAModel {
  /** Predictions of {@link ImageClassifier}, which come for a batch in one piece. */
  override mergeViews(views: unknown[]): ClassPredictions {
    return this.mergePreds([views]);
  }

  /** @param samples one list over the views: all predictions of the batch */
  override mergePreds([views]: unknown[][]): ClassPredictions {
    const all = views as ClassPredictions[];
    const scores = tf.div(tf.addN(all.map((view) => view.scores)), all.length);
    const merged = { scores, predLabels: tf.argMax(scores, -1) };
    const { gtLabels } = all[0]!;
    return gtLabels ? { ...merged, gtLabels } : merged;
  }
}
