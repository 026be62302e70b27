import {
  BYTES_PER_ELEMENT,
  EngineError,
  show,
  sizeOf,
  type HostArray,
  type HostData,
  type HostDType,
} from '@engine/core';
import { utf8 } from '../bytes.js';
import { MAX_HEADER_BYTES, SAFETENSORS_DTYPES } from './dtypes.js';

/** What the header needs to know of a tensor. */
export interface TensorSpec {
  dtype: HostDType;
  shape: readonly number[];
}

/** A header and the order in which the tensors' bytes follow it. */
export interface SafetensorsLayout {
  /** Length word and JSON, padded with blanks to a multiple of 8 bytes. */
  header: Uint8Array;
  /** Names in file order: widest elements first, so that every tensor is aligned to its element size; then by name. */
  order: string[];
  /** Size of the whole file. */
  bytes: number;
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(utf8(a), utf8(b));
}

function checkTensor(name: string, spec: TensorSpec): void {
  const fail = (received: string, expected: string): never => {
    throw new EngineError({
      code: 'E_SAFETENSORS_TENSOR',
      what: `The tensor '${name}' cannot be written to a safetensors file.`,
      received,
      expected,
    });
  };
  if (name === '__metadata__') fail(`the name '${name}'`, 'another name: this one is reserved by the format');
  if (SAFETENSORS_DTYPES[spec.dtype] === undefined)
    fail(`dtype ${show(spec.dtype)}`, Object.keys(SAFETENSORS_DTYPES).join(', '));
  if (!spec.shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    fail(`shape ${show(spec.shape)}`, 'integers >= 0');
}

/**
 * Plans a safetensors file (https://github.com/huggingface/safetensors#format): 8 bytes little-endian header length,
 * JSON header, then the tensors' bytes without holes.
 *
 * @param metadata strings that stand in the header's `__metadata__`
 * @throws E_SAFETENSORS_TENSOR, E_SAFETENSORS_METADATA, E_SAFETENSORS_HEADER when the header is too large
 */
export function layoutSafetensors(
  specs: Record<string, TensorSpec>,
  metadata?: Record<string, string>,
): SafetensorsLayout {
  const order = Object.keys(specs).sort((a, b) => {
    const width = BYTES_PER_ELEMENT[specs[b]!.dtype] - BYTES_PER_ELEMENT[specs[a]!.dtype];
    return width !== 0 ? width : byCodePoint(a, b);
  });
  const entries: [string, unknown][] = [];
  if (metadata !== undefined) {
    const bad = Object.entries(metadata).find(([, value]) => typeof value !== 'string');
    if (bad) {
      throw new EngineError({
        code: 'E_SAFETENSORS_METADATA',
        what: 'The metadata of a safetensors file must be strings.',
        received: `metadata.${bad[0]} = ${show(bad[1])}`,
        fix: 'JSON.stringify the value',
      });
    }
    entries.push(['__metadata__', metadata]);
  }
  let offset = 0;
  for (const name of order) {
    const spec = specs[name]!;
    checkTensor(name, spec);
    const end = offset + sizeOf(spec.shape) * BYTES_PER_ELEMENT[spec.dtype];
    entries.push([
      name,
      { dtype: SAFETENSORS_DTYPES[spec.dtype], shape: spec.shape, data_offsets: [offset, end] },
    ]);
    offset = end;
  }
  const json = utf8(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new EngineError({
      code: 'E_SAFETENSORS_HEADER',
      what: 'The header of a safetensors file would be too large.',
      received: `${length} bytes for ${order.length} tensors`,
      expected: `at most ${MAX_HEADER_BYTES} bytes`,
    });
  }
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { header, order, bytes: header.length + offset };
}

function bytesOf(name: string, spec: TensorSpec, data: HostData): Uint8Array {
  const expected = sizeOf(spec.shape) * BYTES_PER_ELEMENT[spec.dtype];
  if (data.byteLength !== expected) {
    throw new EngineError({
      code: 'E_SAFETENSORS_TENSOR',
      what: `The data of the tensor '${name}' do not fill its shape.`,
      received: `${data.byteLength} bytes`,
      expected: `${expected} bytes for ${spec.dtype} [${spec.shape.join(', ')}]`,
    });
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * A safetensors file in pieces: the header, then a view of each tensor's data (no copy is made). Hand the pieces to
 * `atomicWrite` or to a `DirectoryWriter`.
 */
export function writeSafetensors(
  tensors: Record<string, HostArray>,
  metadata?: Record<string, string>,
): Uint8Array[] {
  const { header, order } = layoutSafetensors(tensors, metadata);
  return [header, ...order.map((name) => bytesOf(name, tensors[name]!, tensors[name]!.data))];
}

/**
 * Like {@link writeSafetensors}, but each tensor's data are asked for only when their turn comes, so that a large model
 * need not stand in host memory as a whole.
 */
export async function* streamSafetensors(
  specs: Record<string, TensorSpec>,
  read: (name: string) => HostData | Promise<HostData>,
  metadata?: Record<string, string>,
): AsyncGenerator<Uint8Array> {
  const { header, order } = layoutSafetensors(specs, metadata);
  yield header;
  for (const name of order) yield bytesOf(name, specs[name]!, await read(name));
}
