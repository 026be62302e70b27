import { copyTensor } from '../convert.js';
import { tf } from '../tf.js';
import type { Tensor, Variable } from '../tf.js';
import { compileElements, Element, type ElementProgram } from './element.js';

/** What a backend's `EngineUpdateElements` gets beside the tensors, which are called `x0`, `x1`, …. */
export interface UpdateElementsAttrs extends ElementProgram {
  /** Tensors of each element; the first field of all parameters comes first, then the second of all, … */
  fields: number;
  count: number;
}

/** A rule: the elements that some of the fields take, computed from what all of them are before the update. */
export type ElementRule<Field extends string> = (
  elements: Record<Field, Element>,
) => Partial<Record<Field, Element>>;

const KERNEL = 'EngineUpdateElements';

/**
 * Changes variables element by element, by one rule for many parameters: what optimizers and running averages do. A
 * backend that has `EngineUpdateElements` does so for all of them in one pass over the memory, and overwrites the
 * variables' storage; any other runs the rule's operations one after the other.
 *
 * @param fields parallel lists, one tensor for each parameter: the first field is changed, and so is every field that
 *   the rule gives a value for; those hold variables. The first field that is only read is the gradient, whose memory
 *   layout the others take over.
 * @param rule is called once for each call; numbers in it are constants, so they may differ from call to call
 * @example
 * updateElements({ param, grad, momentum }, ({ param, grad, momentum }) => {
 *   const next = momentum.mul(0.9).add(grad);
 *   return { param: param.sub(next.mul(lr)), momentum: next };
 * });
 */
export function updateElements<Field extends string>(
  fields: Record<Field, readonly Tensor[]>,
  rule: ElementRule<Field>,
): void {
  const names = Object.keys(fields) as Field[];
  const lists = names.map((name) => fields[name]);
  const count = lists[0]!.length;
  if (count === 0) return;
  const elements = names.map(() => new Element('field', []));
  const given = Object.fromEntries(names.map((name, i) => [name, elements[i]!])) as Record<Field, Element>;
  const results = new Map<number, Element>();
  for (const [name, element] of Object.entries(rule(given)) as [Field, Element | undefined][]) {
    if (element !== undefined) results.set(names.indexOf(name), element);
  }
  if (!tf.getKernel(KERNEL, tf.getBackend())) {
    for (let i = 0; i < count; i++) runReference(elements, results, lists, i);
    return;
  }
  const program = compileElements(elements, results);
  const inputs: Record<string, Tensor> = {};
  let at = 0;
  for (const list of lists) for (const tensor of list) inputs[`x${at++}`] = tensor;
  const attrs: UpdateElementsAttrs = { ...program, fields: names.length, count };
  tf.engine().runKernel(KERNEL, inputs, attrs as unknown as tf.NamedAttrMap);
}

/** Runs the rule for one parameter with tfjs's operators. */
function runReference(
  fields: readonly Element[],
  results: ReadonlyMap<number, Element>,
  lists: readonly (readonly Tensor[])[],
  index: number,
): void {
  tf.tidy(() => {
    const values = new Map(fields.map((field, i) => [field, lists[i]![index]!]));
    const evaluate = (element: Element): Tensor => {
      let value = values.get(element);
      if (!value) values.set(element, (value = applyOp(element, evaluate)));
      return value;
    };
    const updates = [...results].map(([field, element]) => {
      const value = evaluate(element);
      return [lists[field]![index] as Variable, element.op === 'field' ? copyTensor(value) : value] as const;
    });
    for (const [variable, value] of updates) variable.assign(value);
  });
}

function applyOp(element: Element, evaluate: (element: Element) => Tensor): Tensor {
  const operands = element.operands.map((operand) =>
    operand instanceof Element ? evaluate(operand) : tf.scalar(operand),
  );
  const [a, b, c] = operands as [Tensor, Tensor, Tensor];
  switch (element.op) {
    case 'add':
      return tf.add(a, b);
    case 'sub':
      return tf.sub(a, b);
    case 'mul':
      return tf.mul(a, b);
    case 'div':
      return tf.div(a, b);
    case 'max':
      return tf.maximum(a, b);
    case 'min':
      return tf.minimum(a, b);
    case 'less':
      return tf.cast(tf.less(a, b), 'float32');
    case 'neg':
      return tf.neg(a);
    case 'abs':
      return tf.abs(a);
    case 'sqrt':
      return tf.sqrt(a);
    case 'square':
      return tf.square(a);
    case 'sign':
      return tf.sign(a);
    case 'select': {
      const { shape } = a;
      return tf.where(tf.notEqual(a, 0), tf.broadcastTo(b, shape), tf.broadcastTo(c, shape));
    }
    default:
      return copyTensor(a);
  }
}
