import {
  badValue,
  checkKeys,
  currentScope,
  EngineError,
  isComponentConfig,
  isEngineError,
  register,
  TRANSFORMS,
  withScope,
  type ComponentConfig,
  type ConfigOf,
  type Registry,
  type TransformTypes,
} from '@engine/core';
import type { SampleContext } from './sample-context.js';
import type { Transform, TransformFunction } from './transform.js';

/** A step of a pipeline as configs give it. */
export type TransformLike = ConfigOf<TransformTypes> | ComponentConfig | Transform | TransformFunction;

export interface ComposeOptions {
  /** Steps in order; none unless said. */
  transforms?: readonly TransformLike[] | null;
}

type TransformRegistry = Registry<unknown, TransformTypes>;

function listOf(given: unknown): readonly unknown[] {
  if (given === undefined || given === null || Array.isArray(given)) return given ?? [];
  if (typeof given !== 'object') throw badValue('pipeline', given, 'a list of transforms');
  checkKeys('Compose', given, ['transforms']);
  const { transforms = [] } = given as ComposeOptions;
  if (transforms !== null && !Array.isArray(transforms))
    throw badValue('Compose.transforms', transforms, 'a list');
  return (transforms as readonly unknown[] | null) ?? [];
}

function buildStep(step: unknown, index: number, registry: TransformRegistry): Transform | TransformFunction {
  if (typeof step === 'function') return step as TransformFunction;
  if (typeof (step as Transform | null)?.transform === 'function') return step as Transform;
  const path = `pipeline.${index}`;
  if (!isComponentConfig(step)) {
    throw badValue(
      path,
      step,
      "a transform, a function, or a config such as { type: 'RandomFlip', prob: 0.5 }",
    );
  }
  // Names of the library that owns the pipeline count even while another scope is current.
  const foreign = typeof step.type === 'string' && !registry.atScope(currentScope()).has(step.type);
  const built = withScope(foreign && registry.has(step.type as string) ? registry.scope : undefined, () =>
    registry.build<unknown>(step, { path }),
  );
  if (typeof built === 'function' || typeof (built as Transform | null)?.transform === 'function') {
    return built as Transform | TransformFunction;
  }
  throw badValue(path, step, 'a type that builds a transform (an object with `transform`, or a function)');
}

function nameOf(step: unknown, built: Transform | TransformFunction): string {
  if (isComponentConfig(step) && typeof step.type === 'string') return step.type;
  return (typeof built === 'function' ? built.name : built.constructor.name) || '(anonymous)';
}

/**
 * Runs transforms one after the other and stops with null as soon as one gives null or undefined. Asynchronous
 * transforms make the result a promise; without any, everything stays synchronous.
 *
 * @throws E_DATA_TRANSFORM when a transform throws, naming it and the sample; the error itself is the cause
 */
@register(TRANSFORMS, { from: '@engine/data' })
export class Compose implements Transform {
  readonly transforms: readonly (Transform | TransformFunction)[];
  private readonly names: readonly string[];

  /** @param registry where plain names are looked up; the root TRANSFORMS unless said */
  constructor(
    transforms?: readonly TransformLike[] | ComposeOptions | null,
    registry: TransformRegistry = TRANSFORMS,
  ) {
    const given = listOf(transforms);
    this.transforms = given.map((step, index) => buildStep(step, index, registry));
    this.names = this.transforms.map((built, index) => nameOf(given[index], built));
  }

  transform(results: unknown, context: SampleContext): unknown {
    return this.run(0, results, context);
  }

  private run(start: number, results: unknown, context: SampleContext): unknown {
    let current = results;
    let index = start;
    try {
      for (; index < this.transforms.length; index++) {
        const step = this.transforms[index]!;
        context.enter?.(this.names[index]!);
        current = typeof step === 'function' ? step(current, context) : step.transform(current, context);
        if (current === null || current === undefined) return null;
        if (current instanceof Promise) return this.resume(index, current, context);
      }
    } catch (error) {
      throw this.failure(index, context, error);
    }
    return current;
  }

  private async resume(index: number, pending: Promise<unknown>, context: SampleContext): Promise<unknown> {
    let value: unknown;
    try {
      value = await pending;
    } catch (error) {
      throw this.failure(index, context, error);
    }
    return value === null || value === undefined ? null : this.run(index + 1, value, context);
  }

  private failure(index: number, context: SampleContext, error: unknown): unknown {
    if (isEngineError(error) && error.code === 'E_DATA_TRANSFORM') return error;
    return new EngineError({
      code: 'E_DATA_TRANSFORM',
      what: `The transform '${this.names[index]}' failed on sample ${context.index}.`,
      received: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      fix: `look at the sample with dataset.getDataInfo(${context.index})`,
      cause: error,
    });
  }
}

declare module '@engine/core' {
  interface TransformTypes {
    Compose: ComposeOptions;
  }
}
