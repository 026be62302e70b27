import { badValue, checkKeys, register } from '@engine/core';
import { Compose, type SampleContext, type Transform, type TransformLike } from '@engine/data';
import { TRANSFORMS } from '../registry.js';

export interface TestTimeAugOptions {
  /** For each stage of the pipeline, the transforms to choose from; every combination makes a view of the sample. */
  transforms: readonly (readonly TransformLike[])[];
}

/**
 * Makes several views of a sample, one for each way through its stages: with one resize, two flips and a packer there
 * are two. The result has the keys of one view, each with a list over the views, as `BaseTTAModel` takes them.
 *
 * @example
 * ttaPipeline: [
 *   {
 *     type: 'TestTimeAug',
 *     transforms: [[{ type: 'RandomFlip', prob: 0 }, { type: 'RandomFlip', prob: 1 }], [{ type: 'PackInputs' }]],
 *   },
 * ]
 */
@register(TRANSFORMS, { from: '@engine/vision' })
export class TestTimeAug implements Transform {
  static readonly workerModule = import.meta.url;
  private readonly ways: readonly Compose[];

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: TestTimeAugOptions) {
    checkKeys('TestTimeAug', options, ['transforms']);
    const stages: unknown = options.transforms;
    if (
      !Array.isArray(stages) ||
      !stages.length ||
      !stages.every((one) => Array.isArray(one) && one.length)
    ) {
      throw badValue('TestTimeAug.transforms', stages, 'a list of lists, each with the choices of one stage');
    }
    let ways: TransformLike[][] = [[]];
    for (const choices of stages as TransformLike[][]) {
      ways = ways.flatMap((way) => choices.map((choice) => [...way, choice]));
    }
    this.ways = ways.map((way) => new Compose(way, TRANSFORMS as never));
  }

  /** @returns null when a view is dropped; a promise where a transform gives one */
  transform(sample: object, context: SampleContext): unknown {
    const views = this.ways.map((way) => way.transform({ ...sample }, context));
    return views.some((view) => view instanceof Promise) ? Promise.all(views).then(byKey) : byKey(views);
  }
}

/** { key: [value in each view] } */
function byKey(views: readonly unknown[]): Record<string, unknown[]> | null {
  if (views.some((view) => view === null)) return null;
  const all = views as Record<string, unknown>[];
  return Object.fromEntries(Object.keys(all[0]!).map((key) => [key, all.map((view) => view[key])]));
}

declare module '@engine/core' {
  interface TransformTypes {
    'vision.TestTimeAug': TestTimeAugOptions;
  }
}
