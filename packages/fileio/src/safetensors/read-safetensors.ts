import { BYTES_PER_ELEMENT, EngineError, show, sizeOf, type HostArray, type HostData } from '@engine/core';
import { CONTAINERS, DTYPE_BY_NAME, MAX_HEADER_BYTES } from './dtypes.js';
import type { TensorSpec } from './write-safetensors.js';

/** Where a tensor lies, as the header says; offsets count from the end of the header. */
export interface SafetensorsEntry extends TensorSpec {
  begin: number;
  end: number;
}

/** A checked header. */
export interface SafetensorsHeader {
  entries: Map<string, SafetensorsEntry>;
  metadata: Record<string, string>;
  /** Offset of the first tensor's bytes in the file. */
  dataStart: number;
}

export interface ReadSafetensorsOptions {
  /** Copy every tensor's data instead of pointing into `bytes` where alignment allows. Default false. */
  copy?: boolean | undefined;
  /** Name of the file, for error messages. */
  file?: string | undefined;
}

export interface SafetensorsContent {
  /** By name, in file order. */
  tensors: Record<string, HostArray>;
  /** The header's `__metadata__`; empty when there is none. */
  metadata: Record<string, string>;
}

function corrupt(
  code: string,
  file: string | undefined,
  what: string,
  received?: string,
  expected?: string,
): EngineError {
  return new EngineError({
    code,
    what: `${file === undefined ? 'The safetensors data' : `The safetensors file '${file}'`} ${what}`,
    received,
    expected,
    fix: 'get the file again, or use another checkpoint',
  });
}

/**
 * Reads and checks the header of a safetensors file: length, JSON, dtypes, shapes, and that the tensors lie one after
 * the other without holes or overlap up to the end of the data.
 *
 * @param bytes at least the header
 * @param totalBytes size of the whole file; that of `bytes` unless given
 * @throws E_SAFETENSORS_TRUNCATED, E_SAFETENSORS_HEADER, E_SAFETENSORS_DTYPE, E_SAFETENSORS_OFFSETS
 */
export function readSafetensorsHeader(
  bytes: Uint8Array,
  options: { file?: string | undefined; totalBytes?: number | undefined } = {},
): SafetensorsHeader {
  const { file, totalBytes = bytes.byteLength } = options;
  if (bytes.byteLength < 8) {
    throw corrupt(
      'E_SAFETENSORS_TRUNCATED',
      file,
      'ends inside the header length.',
      `${bytes.byteLength} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw corrupt(
      'E_SAFETENSORS_HEADER',
      file,
      'has a header that is too large.',
      `${length} bytes`,
      `at most ${MAX_HEADER_BYTES} bytes`,
    );
  }
  if (8 + length > bytes.byteLength) {
    throw corrupt(
      'E_SAFETENSORS_TRUNCATED',
      file,
      'ends inside the header.',
      `${bytes.byteLength} bytes`,
      `${8 + length} bytes or more`,
    );
  }
  const raw = parseHeader(bytes.subarray(8, 8 + length), file);
  const metadata = readMetadata(raw, file);
  const entries = Object.entries(raw)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => [name, readEntry(name, value, file)] as const)
    .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkOffsets(entries, totalBytes - 8 - length, file);
  return { entries: new Map(entries), metadata, dataStart: 8 + length };
}

function parseHeader(bytes: Uint8Array, file: string | undefined): Record<string, unknown> {
  let raw: unknown;
  try {
    if (bytes[0] !== 0x7b) throw new Error("it does not begin with '{'");
    // A copy, since shared memory cannot be decoded.
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice()));
  } catch (error) {
    throw corrupt('E_SAFETENSORS_HEADER', file, 'has a header that is not JSON.', (error as Error).message);
  }
  return raw as Record<string, unknown>;
}

function readMetadata(raw: Record<string, unknown>, file: string | undefined): Record<string, string> {
  const metadata = Object.hasOwn(raw, '__metadata__') ? raw['__metadata__'] : {};
  const strings =
    typeof metadata === 'object' &&
    metadata !== null &&
    Object.values(metadata).every((v) => typeof v === 'string');
  if (!strings)
    throw corrupt('E_SAFETENSORS_HEADER', file, 'has metadata that are not strings.', show(metadata));
  return metadata as Record<string, string>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readEntry(name: string, value: unknown, file: string | undefined): SafetensorsEntry {
  const { dtype: dtypeName, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const wellFormed =
    typeof dtypeName === 'string' &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(isCount);
  if (!wellFormed)
    throw corrupt('E_SAFETENSORS_HEADER', file, `has a bad entry for the tensor '${name}'.`, show(value));
  const dtype = DTYPE_BY_NAME.get(dtypeName);
  if (dtype === undefined) {
    throw corrupt(
      'E_SAFETENSORS_DTYPE',
      file,
      `has the tensor '${name}' in an element type that cannot be read here.`,
      dtypeName,
      [...DTYPE_BY_NAME.keys()].join(', '),
    );
  }
  const [begin, end] = offsets as [number, number];
  const bytes = sizeOf(shape as number[]) * BYTES_PER_ELEMENT[dtype];
  if (end - begin !== bytes) {
    throw corrupt(
      'E_SAFETENSORS_OFFSETS',
      file,
      `gives the tensor '${name}' a place that does not fit its shape.`,
      `${end - begin} bytes`,
      `${bytes} bytes for ${dtypeName} [${shape.join(', ')}]`,
    );
  }
  return { dtype, shape: shape as number[], begin, end };
}

function checkOffsets(
  entries: readonly (readonly [string, SafetensorsEntry])[],
  dataBytes: number,
  file: string | undefined,
): void {
  let at = 0;
  for (const [name, { begin, end }] of entries) {
    if (begin !== at) {
      const problem = begin < at ? 'overlap' : 'have a hole between them';
      throw corrupt(
        'E_SAFETENSORS_OFFSETS',
        file,
        `has tensors that ${problem} at '${name}'.`,
        `offset ${begin}`,
        `offset ${at}`,
      );
    }
    at = end;
  }
  if (at > dataBytes) {
    throw corrupt(
      'E_SAFETENSORS_TRUNCATED',
      file,
      'ends before its tensors do.',
      `${dataBytes} bytes of data`,
      `${at} bytes`,
    );
  }
  if (at < dataBytes) {
    throw corrupt(
      'E_SAFETENSORS_OFFSETS',
      file,
      'has bytes after its last tensor.',
      `${dataBytes} bytes of data`,
      `${at} bytes`,
    );
  }
}

/**
 * The tensors of a safetensors file. Where the data are aligned to their element size they are views into `bytes`,
 * which must then stay unchanged; elsewhere, or with `copy`, they are copies. `F16` and `BF16` stay bit patterns.
 *
 * @throws E_SAFETENSORS_TRUNCATED, E_SAFETENSORS_HEADER, E_SAFETENSORS_DTYPE, E_SAFETENSORS_OFFSETS
 */
export function readSafetensors(bytes: Uint8Array, options: ReadSafetensorsOptions = {}): SafetensorsContent {
  const { entries, metadata, dataStart } = readSafetensorsHeader(bytes, { file: options.file });
  const tensors = [...entries].map(([name, entry]): [string, HostArray] => {
    const { dtype, shape } = entry;
    const width = BYTES_PER_ELEMENT[dtype];
    const start = bytes.byteOffset + dataStart + entry.begin;
    const count = (entry.end - entry.begin) / width;
    let data: HostData;
    if (options.copy || start % width !== 0) {
      const own = new Uint8Array(bytes.subarray(dataStart + entry.begin, dataStart + entry.end));
      data = new CONTAINERS[dtype](own.buffer, 0, count);
    } else data = new CONTAINERS[dtype](bytes.buffer, start, count);
    return [name, { dtype, shape, data }];
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}
