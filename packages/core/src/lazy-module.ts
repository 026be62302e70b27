import { createRequire } from 'node:module';

/**
 * A CommonJS package that is loaded when it is first used, for what most processes never need: `yaml` alone is seventy
 * files, which a run with a TypeScript config would read for nothing.
 * @param caller `import.meta.url` of the module that asks, from which the package is looked up
 * @returns a function that gives the package
 */
export function lazyModule<T>(caller: string, name: string): () => T {
  const require = createRequire(caller);
  let loaded: T | undefined;
  return () => (loaded ??= require(name) as T);
}
