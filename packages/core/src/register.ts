import { EngineError, show } from './errors.js';
import type { AddOptions, Entry, Registry } from './registry.js';

export interface RegisterOptions extends AddOptions {
  /** Name in the registry; the name of the class or function unless said. */
  name?: string;
}

/** A decorator that serves both dialects: the legacy call `(target)` and the TC39 call `(target, context)`. */
export type RegisterDecorator = <E extends Entry>(target: E, context?: unknown) => E | void;

/**
 * Registers the decorated class: `@register(OPTIMIZERS)` or `@register(MODELS, { name: 'Net', aliases: ['Network'] })`.
 * Works with legacy and with TC39 class decorators, and called as a function: `register(MODELS)(Net)`.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function register(registry: Registry<any, any>, options: RegisterOptions = {}): RegisterDecorator {
  return (target, context) => {
    const kind = (context as { kind?: unknown } | undefined)?.kind;
    if (typeof target !== 'function' || (kind !== undefined && kind !== 'class')) {
      throw new EngineError({
        code: 'E_REGISTER_TARGET',
        what: `@register(${registry.name}) belongs on a class.`,
        received: kind === undefined ? show(target) : `a ${String(kind)}`,
        fix: `put it above the class, or call ${registry.name}.add('Name', value)`,
      });
    }
    const { name, ...rest } = options;
    registry.add(name ?? target.name, target, rest);
  };
}
