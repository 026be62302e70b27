import 'reflect-metadata';
import { container as rootContainer, inject as tsyringeInject, type DependencyContainer } from 'tsyringe';
import { EngineError } from './errors.js';

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

/** @throws E_SERVICE_MISSING when the run offers no such service */
export function resolve<T>(container: DependencyContainer, token: ServiceToken<T>): T {
  return resolveKey(container, token.key) as T;
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

/** tsyringe's own metadata key for `@inject`: parameter index → what is asked for. */
const INJECTION_TOKENS = 'injectionTokens';

interface Wish {
  token: symbol;
}

/**
 * The services a class asks for, by parameter index, resolved from `container`; empty for one that asks for none.
 * @throws E_SERVICE_MISSING for a service that the run does not offer
 */
export function injectedArguments(target: object, container: DependencyContainer): Map<number, unknown> {
  const found = new Map<number, unknown>();
  const wishes = Reflect.getOwnMetadata(INJECTION_TOKENS, target) as Record<string, Wish> | undefined;
  if (!wishes) {
    const parent = Object.getPrototypeOf(target) as object | null;
    // A subclass that adds no constructor inherits its parent's, and so its parent's wishes.
    if (
      typeof parent === 'function' &&
      (target as { length?: number }).length === 0 &&
      parent !== Function.prototype
    ) {
      return injectedArguments(parent, container);
    }
    return found;
  }
  const asker = (target as { name?: string }).name;
  for (const [index, { token }] of Object.entries(wishes))
    found.set(Number(index), resolveKey(container, token, asker));
  return found;
}

function resolveKey(container: DependencyContainer, key: symbol, asker?: string): unknown {
  if (container.isRegistered(key, true)) return container.resolve(key);
  const name = key.description?.replace('@engine/service/', '') ?? String(key);
  throw new EngineError({
    code: 'E_SERVICE_MISSING',
    what: `${asker ? `${asker} asks for the service` : 'There is no service'} '${name}'${asker ? ', which this run does not offer' : ' in this run'}.`,
    received: `a container without '${name}'`,
    expected: 'a container in which it was provided',
    fix: 'build the part through a Runner, or call provide(container, token, value) and pass { container } to build',
  });
}
