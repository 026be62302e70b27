import { pickleCorrupt } from './pickle-values.js';

/** Integers of Python have any length; beyond this they are no counts or seeds. */
const MAX_INTEGER_BYTES = 1024;

/** Walks over bytes and refuses to go past their end. */
export class ByteReader {
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly file: string | undefined,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private advance(length: number): number {
    const start = this.at;
    if (length < 0 || start + length > this.bytes.byteLength)
      throw pickleCorrupt(this.file, 'it ends too early', `${this.bytes.byteLength} bytes`);
    this.at = start + length;
    return start;
  }

  u8(): number {
    return this.view.getUint8(this.advance(1));
  }
  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }
  i32(): number {
    return this.view.getInt32(this.advance(4), true);
  }
  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }
  f64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** A length of 8 bytes; more than there are bytes left is refused by whoever takes them. */
  u64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  text(length: number): string {
    return decode(this.take(length), this.file);
  }

  /** Up to the end of the line, which is passed over. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw pickleCorrupt(this.file, 'it ends inside a line');
    const text = Buffer.from(this.take(end - this.at)).toString('latin1');
    this.at += 1;
    return text;
  }

  /** A little-endian integer in two's complement. */
  long(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) throw pickleCorrupt(this.file, 'it has an integer too long to be one');
    const data = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(data[i]!);
    return narrow(length === 0 ? 0n : BigInt.asIntN(8 * length, value));
  }
}

/** A number where it holds the integer exactly, else a bigint. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function decode(bytes: Uint8Array, file: string | undefined): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Lone surrogates, which Python writes and UTF-8 does not have, are replaced; other bytes are no text.
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    if (bytes.includes(0xed)) return text;
    throw pickleCorrupt(file, 'a string in it is not UTF-8');
  }
}
