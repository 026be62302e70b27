import { inflateRawSync } from 'node:zlib';
import { EngineError } from '@engine/core';
import { crc32 } from './crc32.js';

/** One file in a zip archive. */
export interface ZipEntry {
  name: string;
  /** Bytes when unpacked. */
  size: number;
  /** Its content: a view of the archive where it is stored as it is. @throws E_ZIP_CORRUPT */
  read(): Uint8Array;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const END_64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const WORD = 0xffffffff;
/** Deflate cannot do better than about 1032 to 1; a header that says more lies. */
const MAX_RATIO = 1040;

/** True when the bytes begin like a zip archive. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * The files of a zip archive, stored or deflated, zip64 included (APPNOTE.TXT of PKWARE). Contents are unpacked when
 * asked for, and never to more than their header says.
 *
 * @param file name for error messages
 * @throws E_ZIP_CORRUPT when the archive is cut short, contradicts itself, or packs in another way
 */
export function readZip(bytes: Uint8Array, file?: string): Map<string, ZipEntry> {
  const archive = new Archive(bytes, file);
  return new Map(archive.entries().map((entry) => [entry.name, entry]));
}

class Archive {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string | undefined,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  entries(): ZipEntry[] {
    const { count, offset } = this.directory();
    const found: ZipEntry[] = [];
    let at = offset;
    for (let i = 0; i < count; i += 1) {
      if (this.u32(at) !== CENTRAL)
        throw this.corrupt('its list of files is broken', `entry ${i} of ${count}`);
      const nameLength = this.u16(at + 28);
      const extraLength = this.u16(at + 30);
      const name = new TextDecoder().decode(this.slice(at + 46, nameLength));
      const sizes = this.sizes(at, this.slice(at + 46 + nameLength, extraLength));
      const method = this.u16(at + 10);
      const checksum = this.u32(at + 16);
      found.push({ name, size: sizes.size, read: () => this.content(name, method, checksum, sizes) });
      at += 46 + nameLength + extraLength + this.u16(at + 32);
    }
    return found;
  }

  /** Where the list of files is. */
  private directory(): { count: number; offset: number } {
    const last = this.bytes.byteLength - 22;
    for (let at = last; at >= Math.max(0, last - 0xffff); at -= 1) {
      if (this.u32(at) !== END) continue;
      const count = this.u16(at + 10);
      const offset = this.u32(at + 16);
      const is64 = at >= 20 && this.u32(at - 20) === END_64_LOCATOR;
      if (!is64 || (count !== 0xffff && offset !== WORD)) return { count, offset };
      const end = this.u64(at - 12);
      if (this.u32(end) !== END_64) throw this.corrupt('its zip64 end record is missing');
      return { count: this.u64(end + 32), offset: this.u64(end + 48) };
    }
    throw this.corrupt('it has no end record: it is cut short, or no zip archive');
  }

  /** Sizes and place, from the 64-bit extra field where the short ones are full. */
  private sizes(at: number, extra: Uint8Array): { packed: number; size: number; offset: number } {
    let packed = this.u32(at + 20);
    let size = this.u32(at + 24);
    let offset = this.u32(at + 42);
    const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
    for (let i = 0; i + 4 <= extra.length;) {
      const end = i + 4 + view.getUint16(i + 2, true);
      if (view.getUint16(i, true) === 1) {
        let next = i + 4;
        const take = (): number => {
          if (next + 8 > Math.min(end, extra.length)) throw this.corrupt('a zip64 field is cut short');
          next += 8;
          return this.safe(view.getBigUint64(next - 8, true));
        };
        if (size === WORD) size = take();
        if (packed === WORD) packed = take();
        if (offset === WORD) offset = take();
      }
      i = end;
    }
    return { packed, size, offset };
  }

  private content(
    name: string,
    method: number,
    checksum: number,
    { packed, size, offset }: { packed: number; size: number; offset: number },
  ): Uint8Array {
    if (this.u32(offset) !== LOCAL) throw this.corrupt(`the file '${name}' in it is not where it should be`);
    const start = offset + 30 + this.u16(offset + 26) + this.u16(offset + 28);
    const raw = this.slice(start, packed);
    const data = this.unpack(name, method, raw, size);
    if (data.byteLength !== size) {
      throw this.corrupt(`the file '${name}' in it has another size than listed`, `${data.byteLength} bytes`);
    }
    if (crc32(data) !== checksum) throw this.corrupt(`the file '${name}' in it fails its checksum`);
    return data;
  }

  private unpack(name: string, method: number, raw: Uint8Array, size: number): Uint8Array {
    if (method === 0) return raw;
    if (method !== 8) {
      throw this.corrupt(`the file '${name}' in it is packed in a way not known here`, `method ${method}`);
    }
    if (size > raw.byteLength * MAX_RATIO + 64)
      throw this.corrupt(`the file '${name}' in it cannot be as large as it says`, `${size} bytes`);
    try {
      return new Uint8Array(inflateRawSync(raw, { maxOutputLength: Math.max(1, size) }));
    } catch (cause) {
      throw this.corrupt(`the file '${name}' in it cannot be unpacked`, (cause as Error).message);
    }
  }

  private slice(at: number, length: number): Uint8Array {
    this.need(at, length);
    return this.bytes.subarray(at, at + length);
  }

  private need(at: number, length: number): void {
    if (at < 0 || at + length > this.bytes.byteLength)
      throw this.corrupt(
        'it ends too early',
        `${this.bytes.byteLength} bytes`,
        `${at + length} bytes or more`,
      );
  }

  private u16(at: number): number {
    this.need(at, 2);
    return this.view.getUint16(at, true);
  }

  private u32(at: number): number {
    this.need(at, 4);
    return this.view.getUint32(at, true);
  }

  private u64(at: number): number {
    this.need(at, 8);
    return this.safe(this.view.getBigUint64(at, true));
  }

  private safe(value: bigint): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.corrupt('a size in it is impossible', `${value}`);
    return Number(value);
  }

  private corrupt(why: string, received?: string, expected?: string): EngineError {
    return new EngineError({
      code: 'E_ZIP_CORRUPT',
      what: `${this.file === undefined ? 'A zip archive' : `The archive '${this.file}'`} cannot be read: ${why}.`,
      received,
      expected,
      fix: 'get the file again',
    });
  }
}
