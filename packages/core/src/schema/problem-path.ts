import type { EngineError } from '../errors.js';

const paths = new WeakMap<EngineError, string>();

/** Remembers which value of a config an error is about. */
export function about(error: EngineError, path: string): EngineError {
  paths.set(error, path);
  return error;
}

/** The config path of the value that an error is about; of a missing one, where it should be. */
export function problemPath(error: EngineError): string | undefined {
  return paths.get(error);
}

/** The keys that a dotted path stands for in given values; keys may have dots in them. */
export function keysOfPath(values: unknown, path: string): (string | number)[] {
  if (path === '') return [];
  if (Array.isArray(values)) {
    const [first = ''] = path.split('.', 1);
    return [Number(first), ...keysOfPath(values[Number(first)], path.slice(first.length + 1))];
  }
  const known: string[] = typeof values === 'object' && values !== null ? Object.keys(values) : [];
  const fitting = known.filter((one) => path === one || path.startsWith(`${one}.`));
  const [key = path.split('.', 1)[0]!] = fitting.sort((a, b) => b.length - a.length);
  return [
    key,
    ...keysOfPath((values as Record<string, unknown> | undefined)?.[key], path.slice(key.length + 1)),
  ];
}
