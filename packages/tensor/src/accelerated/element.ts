/** Instructions by number; `update-elements.cc` of backend-torch has the same list. */
export const ELEMENT_OPS = [
  'add',
  'sub',
  'mul',
  'div',
  'max',
  'min',
  'less',
  'neg',
  'abs',
  'sqrt',
  'square',
  'sign',
  'fill',
  'copy',
  'select',
] as const;

export type ElementOp = (typeof ELEMENT_OPS)[number];

/** What an element is combined with. */
export type ElementOperand = Element | number;

/**
 * One element of a tensor in a rule of {@link updateElements}: stands for the value, and remembers how it is computed.
 * Everything is computed in float32, one operation after the other.
 */
export class Element {
  constructor(
    /** `field` for an element that is given. */
    readonly op: ElementOp | 'field',
    readonly operands: readonly ElementOperand[],
  ) {}

  add(other: ElementOperand): Element {
    return new Element('add', [this, other]);
  }

  sub(other: ElementOperand): Element {
    return new Element('sub', [this, other]);
  }

  mul(other: ElementOperand): Element {
    return other === 1 ? this : new Element('mul', [this, other]);
  }

  div(other: ElementOperand): Element {
    return other === 1 ? this : new Element('div', [this, other]);
  }

  /** The larger of both; NaN when one is. */
  max(other: ElementOperand): Element {
    return new Element('max', [this, other]);
  }

  /** The smaller of both; NaN when one is. */
  min(other: ElementOperand): Element {
    return new Element('min', [this, other]);
  }

  /** 1 where this is less than the other, else 0. */
  less(other: ElementOperand): Element {
    return new Element('less', [this, other]);
  }

  neg(): Element {
    return new Element('neg', [this]);
  }

  abs(): Element {
    return new Element('abs', [this]);
  }

  sqrt(): Element {
    return new Element('sqrt', [this]);
  }

  square(): Element {
    return new Element('square', [this]);
  }

  /** -1, 0 or 1. */
  sign(): Element {
    return new Element('sign', [this]);
  }

  /** `yes` where this is not 0, else `no`. */
  select(yes: ElementOperand, no: ElementOperand): Element {
    return new Element('select', [this, yes, no]);
  }

  /** This moved towards another: this + weight · (other − this). */
  lerp(other: Element, weight: number): Element {
    return this.add(other.sub(this).mul(weight));
  }

  /** A sum that decays: this · decay + other · weight. */
  decayAdd(decay: number, other: Element, weight: number): Element {
    return this.mul(decay).add(other.mul(weight));
  }
}

/** A rule in the form that a backend runs. */
export interface ElementProgram {
  /** Registers beside those of the fields, which come first. */
  temporaries: number;
  /**
   * Five numbers for each instruction: number of the operation, register of the result, three operands. An operand is
   * a register, or −1 − k for the k-th constant; operands that are not needed are 0.
   */
  code: number[];
  constants: number[];
  /** Pairs of a field and the register whose content it takes when all instructions have run. */
  outputs: number[];
}

/**
 * Puts the computation of some elements in order, and distributes intermediate values over as few registers as need be.
 * @param fields the given elements, in the order of their registers
 * @param results the element that each changed field takes, by number of the field
 */
export function compileElements(
  fields: readonly Element[],
  results: ReadonlyMap<number, Element>,
): ElementProgram {
  const given = new Set(fields);
  const order: Element[] = [];
  const users = new Map<Element, number>();
  const visit = (element: Element): void => {
    users.set(element, (users.get(element) ?? 0) + 1);
    if (given.has(element) || users.get(element)! > 1) return;
    for (const operand of element.operands) if (operand instanceof Element) visit(operand);
    order.push(element);
  };
  // A field that takes another one's value is copied first: that one may change too.
  const finals = new Map(
    [...results].map(([field, element]) => [
      field,
      given.has(element) ? new Element('copy', [element]) : element,
    ]),
  );
  for (const element of finals.values()) visit(element);

  const program: ElementProgram = { temporaries: 0, code: [], constants: [], outputs: [] };
  const registers = new Map(fields.map((field, i) => [field, i]));
  const free: number[] = [];
  const take = (): number => free.pop() ?? fields.length + program.temporaries++;
  const emit = (op: ElementOp, out: number, operands: readonly number[]): void => {
    const [a = 0, b = 0, c = 0] = operands;
    program.code.push(ELEMENT_OPS.indexOf(op), out, a, b, c);
  };
  const constant = (value: number): number => -program.constants.push(value);
  for (const element of order) {
    const filled: number[] = [];
    const operands = element.operands.map((operand) => {
      if (operand instanceof Element) return registers.get(operand)!;
      if (element.op !== 'select') return constant(operand);
      const register = take();
      emit('fill', register, [constant(operand)]);
      filled.push(register);
      return register;
    });
    free.push(...filled);
    for (const operand of element.operands) {
      if (!(operand instanceof Element) || given.has(operand)) continue;
      const left = users.get(operand)! - 1;
      users.set(operand, left);
      if (left === 0) free.push(registers.get(operand)!);
    }
    // Each instruction reads an element before it writes the same place, so a register may be both.
    const out = take();
    registers.set(element, out);
    emit(element.op as ElementOp, out, operands);
  }
  for (const [field, element] of finals) program.outputs.push(field, registers.get(element)!);
  return program;
}
