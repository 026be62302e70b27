import { BYTES_PER_ELEMENT, sizeOf, type HostArray } from '@engine/core';
import { decodeElements, parseNumpyCode } from '../numpy/dtypes.js';
import { PickleGlobal, PickleObject, pickleCorrupt, pickleRefused } from '../pickle/pickle-values.js';

/** numpy's description of an element type: a code, and the byte order that its state tells. */
class NumpyType {
  private order = '<';
  constructor(private readonly code: string) {}
  setState(state: unknown): void {
    if (Array.isArray(state) && state[1] === '>') this.order = '>';
  }
  parse(): ReturnType<typeof parseNumpyCode> {
    return parseNumpyCode(this.order + this.code.replace(/^[<>|=]/, ''));
  }
  toString(): string {
    return this.code;
  }
}

/** An array of numpy; shape, type and bytes are its state. */
export class NumpyArray {
  private state: unknown;
  constructor(private readonly file: string | undefined) {}
  setState(state: unknown): void {
    this.state = state;
  }

  /** @throws E_PICKLE_CORRUPT; E_PICKLE_GLOBAL for arrays of objects or strings */
  toHostArray(): HostArray {
    const [, shape, type, fortran, raw] = Array.isArray(this.state) ? (this.state as unknown[]) : [];
    if (!(type instanceof NumpyType) || !Array.isArray(shape))
      throw pickleCorrupt(this.file, 'an array has no shape');
    const element = type.parse();
    if (!element) throw pickleRefused(this.file, `numpy.ndarray of dtype ${type.toString()}`);
    const bytes = raw instanceof Uint8Array ? raw : undefined;
    const sizes = shape as number[];
    if (
      !sizes.every((n) => Number.isSafeInteger(n) && n >= 0) ||
      bytes?.byteLength !== sizeOf(sizes) * BYTES_PER_ELEMENT[element.dtype]
    )
      throw pickleCorrupt(this.file, 'the data of an array do not fill its shape');
    return {
      dtype: element.dtype,
      shape: sizes,
      data: decodeElements(bytes, element, sizes, fortran === true ? 'F' : 'C'),
    };
  }
}

function scalar(file: string | undefined, type: unknown, raw: unknown): unknown {
  const element = type instanceof NumpyType ? type.parse() : undefined;
  if (!element) throw pickleRefused(file, `numpy scalar of dtype ${String(type)}`);
  if (!(raw instanceof Uint8Array) || raw.byteLength !== BYTES_PER_ELEMENT[element.dtype])
    throw pickleCorrupt(file, 'a numpy scalar has no bytes');
  const value = decodeElements(raw, element, [], 'C')[0];
  if (element.dtype === 'bool') return value !== 0;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return value;
}

/** What numpy's pickles name: arrays, scalars and element types, in the modules of numpy 1 and 2. */
export function numpyGlobal(name: string, file: string | undefined): PickleGlobal | undefined {
  const plain = name.replace(/^numpy\._core\./, 'numpy.core.');
  switch (plain) {
    case 'numpy.ndarray':
      return new PickleGlobal(name, (args) => new PickleObject(name, args));
    case 'numpy.dtype':
      return new PickleGlobal(name, ([code]) => new NumpyType(String(code)));
    case 'numpy.core.multiarray._reconstruct':
      return new PickleGlobal(name, () => new NumpyArray(file));
    case 'numpy.core.multiarray.scalar':
      return new PickleGlobal(name, ([type, raw]) => scalar(file, type, raw));
    default:
      return undefined;
  }
}
