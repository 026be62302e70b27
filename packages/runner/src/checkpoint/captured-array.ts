import { reverseAxes, sizeOf, type HostArray, type HostData, type HostDType } from '@engine/core';
import type { PendingTurn } from './content.js';

/**
 * An array as it lay on the device, in another order than row-major. Whoever looks at its `data` gets them in order; writing
 * a checkpoint brings them into the order of the file in one go.
 */
export class CapturedArray implements HostArray {
  /**
   * @param stored elements with the axes from number `split` on first, and those before it last
   */
  constructor(
    readonly dtype: HostDType,
    readonly shape: readonly number[],
    readonly stored: HostData,
    readonly split: number,
  ) {}

  get data(): HostData {
    return reverseAxes({ ...this.plain(), data: this.stored }, this.order().axes, this.shape).data;
  }

  /** The array as it lies in memory, and the turn that is left to do when `turn` is wanted of it. */
  resolve(turn: PendingTurn | undefined): { array: HostArray; turn?: PendingTurn } {
    if (!turn) return { array: { ...this.plain(), data: this.stored }, turn: this.order() };
    const [a, b, c] = turn.axes;
    // Rows and middle are what comes last in memory: [c, a, b] there, and [c, b, a] is wanted.
    const inPlace = sizeOf(this.shape.slice(0, this.split)) === a * b && (turn.parts ?? 1) === 1;
    if (!inPlace) return { array: { dtype: this.dtype, shape: this.shape, data: this.data }, turn };
    const array = { dtype: this.dtype, shape: turn.shape, data: this.stored };
    return a === 1 || b === 1 ? { array } : { array, turn: { axes: [a, 1, b], parts: c, shape: turn.shape } };
  }

  private plain(): Omit<HostArray, 'data'> {
    return { dtype: this.dtype, shape: [...this.shape] };
  }

  private order(): PendingTurn {
    const last = sizeOf(this.shape.slice(0, this.split));
    return { axes: [this.stored.length / Math.max(1, last), 1, last], shape: [...this.shape] };
  }
}

/** Groups of arrays and their turns by group, with what {@link CapturedArray} leaves to do made part of the turns. */
export function resolveCaptured(
  groups: Readonly<Record<string, Readonly<Record<string, HostArray>>>>,
  turns: Readonly<Record<string, Readonly<Record<string, PendingTurn>>>> = {},
): {
  groups: Record<string, Record<string, HostArray>>;
  turns: Record<string, Record<string, PendingTurn>>;
} {
  const found: ReturnType<typeof resolveCaptured> = { groups: {}, turns: {} };
  for (const [group, arrays] of Object.entries(groups)) {
    const plain: Record<string, HostArray> = {};
    const left: Record<string, PendingTurn> = {};
    for (const [name, given] of Object.entries(arrays)) {
      const wanted = turns[group]?.[name];
      const { array, turn } =
        given instanceof CapturedArray ? given.resolve(wanted) : { array: given, turn: wanted };
      plain[name] = array;
      if (turn) left[name] = turn;
    }
    found.groups[group] = plain;
    found.turns[group] = left;
  }
  return found;
}
