import { EngineError, listNames, nearest } from '@engine/core';
import { tf, type Tensor, type TypedArray } from '@engine/tensor';
import type { ReduceOp } from './process-group.js';

const BITWISE = {
  band: (a: number, b: number) => a & b,
  bor: (a: number, b: number) => a | b,
  bxor: (a: number, b: number) => a ^ b,
};

const OPS: readonly ReduceOp[] = ['sum', 'mean', 'product', 'min', 'max', 'band', 'bor', 'bxor'];

/**
 * A reduction by name, in any case.
 * @throws E_DIST_OP for a name that is none
 */
export function parseReduceOp(op: string): ReduceOp {
  const name = String(op).toLowerCase() as ReduceOp;
  if (OPS.includes(name)) return name;
  throw new EngineError({
    code: 'E_DIST_OP',
    what: `There is no reduction called '${op}'.`,
    received: `'${op}'`,
    expected: `one of ${listNames(OPS)}`,
    didYouMean: nearest(name, OPS),
  });
}

/**
 * Reduces tensors of one shape and dtype in their order, so that every rank gets the same bits. A mean of integers
 * is cut towards zero.
 * @returns a new tensor of the caller, of the dtype of the first
 * @throws E_DIST_SHAPE when shapes or dtypes differ, E_DIST_OP for a bitwise reduction of floats
 */
export async function reduceTensors<T extends Tensor>(tensors: readonly T[], op: ReduceOp): Promise<T> {
  const first = tensors[0]!;
  for (const tensor of tensors) {
    if (tensor.dtype === first.dtype && tf.util.arraysEqual(tensor.shape, first.shape)) continue;
    throw new EngineError({
      code: 'E_DIST_SHAPE',
      what: 'The ranks gave tensors that do not fit together.',
      received: tensors.map((t) => `${t.dtype} [${t.shape.join(', ')}]`).join(' and '),
      expected: 'the same dtype and shape on every rank',
    });
  }
  if (op === 'band' || op === 'bor' || op === 'bxor') return reduceBits(tensors, BITWISE[op], op);
  return tf.tidy(() => {
    const fold = (join: (a: Tensor, b: Tensor) => Tensor): Tensor =>
      tensors.slice(1).reduce<Tensor>((a, b) => join(a, b), tf.clone(first));
    if (op === 'product') return fold(tf.mul);
    if (op === 'min') return fold(tf.minimum);
    if (op === 'max') return fold(tf.maximum);
    const sum = fold(tf.add);
    if (op === 'sum') return sum;
    return tf.cast(tf.div(tf.cast(sum, 'float32'), tensors.length), first.dtype);
  }) as T;
}

async function reduceBits<T extends Tensor>(
  tensors: readonly T[],
  join: (a: number, b: number) => number,
  op: ReduceOp,
): Promise<T> {
  const first = tensors[0]!;
  if (first.dtype !== 'int32') {
    throw new EngineError({
      code: 'E_DIST_OP',
      what: `The reduction '${op}' works on bits, which a ${first.dtype} tensor does not offer.`,
      received: `a ${first.dtype} tensor`,
      expected: 'an int32 tensor',
    });
  }
  const lists = await Promise.all(tensors.map((tensor) => tensor.data() as Promise<TypedArray>));
  const out = Int32Array.from(lists[0]!);
  for (const list of lists.slice(1)) for (let i = 0; i < out.length; i++) out[i] = join(out[i]!, list[i]!);
  return tf.tensor(out, first.shape, 'int32') as Tensor as T;
}
