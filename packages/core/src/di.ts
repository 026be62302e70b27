import 'reflect-metadata';
import { container as rootContainer, inject as tsyringeInject, type DependencyContainer } from 'tsyringe';

export type { DependencyContainer } from 'tsyringe';

/** A typed name of an injected service. */
export interface ServiceToken<T> {
  readonly key: symbol;
  /** Carries the type only. */
  readonly type?: T;
}

/** Makes a token; two calls with one name give the same token, whichever copy of this package makes it. */
export function serviceToken<T>(name: string): ServiceToken<T> {
  return { key: Symbol.for(`@engine/service/${name}`) };
}

/** A fresh container for one run: what is registered in it lives and dies with the run. */
export function createRunContainer(): DependencyContainer {
  return rootContainer.createChildContainer();
}

export function provide<T>(container: DependencyContainer, token: ServiceToken<T>, value: T): void {
  container.register(token.key, { useValue: value });
}

export function resolve<T>(container: DependencyContainer, token: ServiceToken<T>): T {
  return container.resolve<T>(token.key);
}

/** Like {@link resolve}, but undefined when the run offers no such service. */
export function tryResolve<T>(container: DependencyContainer, token: ServiceToken<T>): T | undefined {
  return container.isRegistered(token.key, true) ? container.resolve<T>(token.key) : undefined;
}

/**
 * Asks for a service as a constructor parameter of a registered class; options come first, services after:
 * `constructor(options: Options, @inject(LOGGER) logger: Logger)`. Where parameter decorators do not exist (TC39
 * decorators, plain JavaScript) the call form does the same: `inject(LOGGER)(MyHook, undefined, 1)`.
 */
export function inject<T>(token: ServiceToken<T>): (target: object, key: undefined, index: number) => void {
  return (target, _key, index) => {
    tsyringeInject(token.key)(target, undefined, index);
  };
}

/** tsyringe's own metadata key for `@inject`: parameter index → token. */
const INJECTION_TOKENS = 'injectionTokens';

/** The services a class asks for, by parameter index, resolved from `container`; empty for one that asks for none. */
export function injectedArguments(target: object, container: DependencyContainer): Map<number, unknown> {
  const found = new Map<number, unknown>();
  const tokens = Reflect.getOwnMetadata(INJECTION_TOKENS, target) as Record<string, symbol> | undefined;
  if (!tokens) {
    const parent = Object.getPrototypeOf(target) as object | null;
    // A subclass that adds no constructor inherits its parent's, and so its parent's wishes.
    if (typeof parent === 'function' && (target as { length?: number }).length === 0 && parent !== Function.prototype) {
      return injectedArguments(parent, container);
    }
    return found;
  }
  for (const [index, token] of Object.entries(tokens)) found.set(Number(index), container.resolve(token));
  return found;
}
