import { BYTES_PER_ELEMENT, EngineError, show, sizeOf, type HostArray } from '@engine/core';
import { concatBytes, utf8 } from '../bytes.js';
import { readZip } from '../zip/read-zip.js';
import { writeZip } from '../zip/write-zip.js';
import { decodeElements, numpyCode, parseNumpyCode } from './dtypes.js';

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);

function corrupt(file: string | undefined, why: string, received?: string, expected?: string): EngineError {
  return new EngineError({
    code: 'E_NPY_CORRUPT',
    what: `${file === undefined ? 'The npy data' : `The npy file '${file}'`} cannot be read: ${why}.`,
    received,
    expected,
    fix: 'get the file again',
  });
}

/**
 * One array of a `.npy` file of version 1 to 3 (https://numpy.org/neps/nep-0001-npy-format.html), in row-major order
 * whatever the file's is.
 *
 * @param file name for error messages
 * @throws E_NPY_CORRUPT; E_NPY_DTYPE for strings, objects, complex numbers and records
 */
export function readNpy(bytes: Uint8Array, file?: string): HostArray {
  if (bytes.byteLength < 10 || !MAGIC.every((byte, i) => bytes[i] === byte))
    throw corrupt(file, 'it does not begin as one');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw corrupt(file, 'its version is not known', `version ${version}`);
  const wide = version > 1;
  if (wide && bytes.byteLength < 12) throw corrupt(file, 'it ends inside its header');
  const start = wide ? 12 : 10;
  const dataStart = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (dataStart > bytes.byteLength) throw corrupt(file, 'it ends inside its header');
  const { code, order, shape } = parseHeader(
    Buffer.from(bytes.subarray(start, dataStart)).toString(version === 3 ? 'utf8' : 'latin1'),
    file,
  );
  const type = parseNumpyCode(code);
  if (!type) {
    throw new EngineError({
      code: 'E_NPY_DTYPE',
      what: `${file === undefined ? 'The npy data' : `The npy file '${file}'`} holds elements that cannot be read here.`,
      received: code,
      expected: 'booleans, integers or floating-point numbers',
    });
  }
  const length = sizeOf(shape) * BYTES_PER_ELEMENT[type.dtype];
  const raw = bytes.subarray(dataStart);
  if (raw.byteLength !== length)
    throw corrupt(file, 'its data do not fill its shape', `${raw.byteLength} bytes`, `${length} bytes`);
  return { dtype: type.dtype, shape, data: decodeElements(raw, type, shape, order) };
}

/** The three entries of the header, which is a Python dict; records and other forms are left as text in `code`. */
function parseHeader(
  text: string,
  file: string | undefined,
): { code: string; order: 'C' | 'F'; shape: number[] } {
  const code = /'descr'\s*:\s*(?:'([^']*)'|(\[[^]*?\]\s*,))/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (!code || order === undefined || shape === undefined)
    throw corrupt(file, 'its header is not understood', show(text.slice(0, 120)));
  const sizes = shape
    .split(',')
    .map((part) => part.replace('L', '').trim())
    .filter((part) => part !== '')
    .map(Number);
  if (!sizes.every((size) => Number.isSafeInteger(size)) || !Number.isSafeInteger(sizeOf(sizes)))
    throw corrupt(file, 'its shape is impossible', `(${shape})`);
  return { code: code[1] ?? code[2]!, order: order === 'True' ? 'F' : 'C', shape: sizes };
}

/** A `.npy` file of version 1, little-endian and row-major. @throws E_NPY_DTYPE for bfloat16 */
export function writeNpy(array: HostArray): Uint8Array {
  const { shape, data } = array;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${numpyCode(array.dtype)}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // The data begin at a multiple of 64 bytes, so that they can be mapped.
  const text = dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11) + '\n';
  const head = new Uint8Array(10);
  head.set(MAGIC);
  head[6] = 1;
  new DataView(head.buffer).setUint16(8, text.length, true);
  return concatBytes([head, utf8(text), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/**
 * The arrays of a `.npz` file by name, `numpy.savez` and `savez_compressed` alike.
 * @throws E_ZIP_CORRUPT, E_NPY_CORRUPT, E_NPY_DTYPE
 */
export function readNpz(bytes: Uint8Array, file?: string): Record<string, HostArray> {
  const entries = [...readZip(bytes, file)].filter(([name]) => !name.endsWith('/'));
  return Object.fromEntries(
    entries.map(([name, entry]) => [
      name.replace(/\.npy$/, ''),
      readNpy(entry.read(), file === undefined ? name : `${file}:${name}`),
    ]),
  );
}

/** A `.npz` file as `numpy.savez` writes it. @throws E_NPY_DTYPE, E_FORMAT_VALUE when too large */
export function writeNpz(arrays: Readonly<Record<string, HostArray>>): Uint8Array {
  return writeZip(
    Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, writeNpy(array)])),
  );
}
