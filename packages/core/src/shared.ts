/**
 * A value that there is once per process, even when several copies of this package are loaded: what one copy builds or
 * remembers, the others must find.
 */
export function shared<T>(name: string, make: () => T): T {
  const host = globalThis as unknown as Record<symbol, T | undefined>;
  return (host[Symbol.for(`@engine/shared/${name}`)] ??= make());
}
