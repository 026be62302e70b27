import { tf, type Tensor } from '@engine/tensor';

/** A product of two tensors as one batched matrix product, or undefined where the equation is not one. */
function asMatmul(tensors: readonly Tensor[], terms: readonly string[], output: string): Tensor | undefined {
  const [left, right] = terms as [string, string];
  const distinct = (term: string): boolean => new Set(term).size === term.length;
  if (terms.length !== 2 || !distinct(left) || !distinct(right) || !distinct(output)) return undefined;
  const letters = [...new Set(left + right)];
  const pick = (inLeft: boolean, inRight: boolean, inOutput: boolean): string[] =>
    letters.filter(
      (l) => left.includes(l) === inLeft && right.includes(l) === inRight && output.includes(l) === inOutput,
    );
  if (pick(true, false, false).length || pick(false, true, false).length) return undefined;
  const batch = pick(true, true, true);
  const summed = pick(true, true, false);
  const rows = pick(true, false, true);
  const columns = pick(false, true, true);
  const size = new Map<string, number>();
  terms.forEach((term, i) => [...term].forEach((l, axis) => size.set(l, tensors[i]!.shape[axis]!)));
  const extent = (group: string[]): number => group.reduce((product, l) => product * size.get(l)!, 1);
  const arranged = (tensor: Tensor, term: string, groups: [string[], string[]]): Tensor => {
    const order = [...batch, ...groups[0], ...groups[1]].map((l) => term.indexOf(l));
    return tf.reshape(tf.transpose(tensor, order), [extent(batch), extent(groups[0]), extent(groups[1])]);
  };
  const product = tf.matMul(
    arranged(tensors[0]!, left, [rows, summed]),
    arranged(tensors[1]!, right, [summed, columns]),
  );
  const found = [...batch, ...rows, ...columns];
  const shaped = tf.reshape(
    product,
    found.map((l) => size.get(l)!),
  );
  return tf.transpose(
    shaped,
    [...output].map((l) => found.indexOf(l)),
  );
}

/** The general case, as tfjs's cpu backend does it: multiply everything, sum an axis as soon as nothing else needs it. */
function stepwise(tensors: readonly Tensor[], equation: string): Tensor {
  const { allDims, summedDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  const { path, steps } = tf.backend_util.getEinsumComputePath(summedDims, idDims);
  let out: Tensor | undefined;
  let rank = allDims.length;
  steps.forEach((terms, i) => {
    for (const term of terms) {
      const { permutationIndices, expandDims } = tf.backend_util.getEinsumPermutation(rank, idDims[term]!);
      const x = tf.transpose(tensors[term]!, permutationIndices);
      const shape = [...x.shape];
      for (const dim of expandDims) shape.splice(dim, 0, 1);
      const shaped = tf.reshape(x, shape);
      out = out ? tf.mul(shaped, out) : shaped;
    }
    if (i === steps.length - 1) return;
    if (path[i]! >= 0) out = tf.sum(out!, path[i]! - (allDims.length - rank));
    rank--;
  });
  return out!;
}

/**
 * Einstein summation. A product of two tensors that is a batched matrix product runs as one.
 * @param equation such as `bij,bjk->bik`
 */
export function einsum(tensors: readonly Tensor[], equation: string): Tensor {
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, [...tensors]);
  const [from, output] = equation.replace(/\s/g, '').split('->') as [string, string];
  return tf.tidy(() => asMatmul(tensors, from.split(','), output) ?? tf.clone(stepwise(tensors, equation)));
}
