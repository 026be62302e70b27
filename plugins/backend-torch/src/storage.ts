import { native } from './native.js';

/** libtorch's numbers of element types. */
export const SCALAR = {
  byte: 0,
  int32: 3,
  int64: 4,
  half: 5,
  float32: 6,
  double: 7,
  complex64: 9,
  bool: 11,
  bfloat16: 15,
} as const;

/** tfjs's name of an element type. Narrow floats pass for float32: that is what autocast rests on. */
export function tfjsType(scalar: number): 'float32' | 'int32' | 'bool' | 'complex64' {
  if (scalar === SCALAR.int32 || scalar === SCALAR.int64 || scalar === SCALAR.byte) return 'int32';
  if (scalar === SCALAR.bool) return 'bool';
  return scalar === SCALAR.complex64 ? 'complex64' : 'float32';
}

export function scalarType(dtype: string): number {
  const found = (SCALAR as Record<string, number>)[dtype];
  if (found === undefined) throw new TypeError(`no tensor of libtorch has the dtype ${dtype}`);
  return found;
}

/**
 * A tensor of libtorch's, and at the same time the data id under which tfjs knows it, so that a kernel finds the handle
 * without a look-up. Its shape is always that of the libtorch tensor, its strides need not be those of a packed array.
 */
export class Storage {
  /** How many tfjs tensors share it; 0 while it is an intermediate result of a kernel. */
  refCount = 0;
  /** Values of a string tensor, which libtorch does not know. */
  strings: Uint8Array[] | undefined;
  /** The same values in a narrower type, once autocast has asked for them. */
  cast: Storage | undefined;

  constructor(
    /** -1 when there is no libtorch tensor (any more). */
    public handle: number,
    public scalar: number,
    public shape: number[],
  ) {}

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    let product = 1;
    for (const length of this.shape) product *= length;
    return product;
  }

  get isFloat(): boolean {
    return this.scalar === SCALAR.float32 || this.scalar === SCALAR.bfloat16 || this.scalar === SCALAR.half;
  }

  /** To be called when the values change. */
  dropCast(): void {
    this.cast?.free();
    this.cast = undefined;
  }

  free(): void {
    this.strings = undefined;
    this.dropCast();
    if (this.handle < 0) return;
    native().release(this.handle);
    this.handle = -1;
  }
}
