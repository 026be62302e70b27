import { tf } from './tf.js';
import type { Tensor } from './tf.js';

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/** True for a tfjs tensor, variables included. */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof tf.Tensor;
}

/**
 * Replaces every leaf of a tree of plain objects and arrays for which `match` holds; containers are copied, all other
 * values are kept as they are.
 */
export function mapTree<T>(
  tree: unknown,
  match: (value: unknown) => value is T,
  fn: (leaf: T, path: string) => unknown,
  path = '',
): unknown {
  if (match(tree)) return fn(tree, path);
  const at = (key: string | number): string => (path ? `${path}.${key}` : String(key));
  if (Array.isArray(tree)) return tree.map((value, i) => mapTree(value, match, fn, at(i)));
  if (isPlainObject(tree)) {
    return Object.fromEntries(
      Object.entries(tree).map(([key, value]) => [key, mapTree(value, match, fn, at(key))]),
    );
  }
  return tree;
}

/** Replaces every tensor in a tree of plain objects and arrays by `fn` of it; other values are kept. */
export function mapTensors<T>(tree: T, fn: (tensor: Tensor, path: string) => unknown): T {
  return mapTree(tree, isTensor, fn) as T;
}

/** All tensors in a tree of plain objects and arrays, in order. */
export function tensorsIn(tree: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(tree, (tensor) => found.push(tensor));
  return found;
}

/** Disposes every tensor in a tree; one that is disposed already is passed over. */
export function disposeTree(tree: unknown): void {
  for (const tensor of tensorsIn(tree)) if (!tensor.isDisposed) tensor.dispose();
}

/** Marks every tensor in a tree as kept: no scope disposes it, its owner does. Returns the tree. */
export function keepTree<T>(tree: T): T {
  for (const tensor of tensorsIn(tree)) tf.keep(tensor);
  return tree;
}
