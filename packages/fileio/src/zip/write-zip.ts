import { EngineError } from '@engine/core';
import { concatBytes, utf8 } from '../bytes.js';
import { crc32 } from './crc32.js';

/** 1 January 1980, the first day of the format: archives of equal content are equal. */
const DATE = 0x21;
const LIMIT = 0xffffffff;

/**
 * A zip archive of files stored as they are, as `numpy.savez` writes them.
 * @throws E_FORMAT_VALUE beyond 4 GiB or 65535 files
 */
export function writeZip(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const names = Object.keys(files);
  const total = names.reduce((sum, name) => sum + files[name]!.byteLength + 2 * name.length * 3 + 100, 0);
  if (total > LIMIT || names.length > 0xffff) {
    throw new EngineError({
      code: 'E_FORMAT_VALUE',
      what: 'The arrays are too large for one zip archive.',
      received: `${total} bytes in ${names.length} files`,
      expected: 'under 4 GiB and 65536 files',
      fix: 'write a .safetensors file',
    });
  }
  const pieces: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const name of names) {
    const data = files[name]!;
    const encoded = utf8(name);
    const head = new Uint8Array(30);
    const view = new DataView(head.buffer);
    view.setUint32(0, 0x04034b50, true);
    view.setUint16(4, 20, true);
    view.setUint16(6, 0x800, true);
    view.setUint16(12, DATE, true);
    view.setUint32(14, crc32(data), true);
    view.setUint32(18, data.byteLength, true);
    view.setUint32(22, data.byteLength, true);
    view.setUint16(26, encoded.byteLength, true);
    const entry = new Uint8Array(46);
    const listed = new DataView(entry.buffer);
    listed.setUint32(0, 0x02014b50, true);
    listed.setUint16(4, 20, true);
    entry.set(head.subarray(4, 30), 6);
    listed.setUint32(42, offset, true);
    central.push(entry, encoded);
    pieces.push(head, encoded, data);
    offset += 30 + encoded.byteLength + data.byteLength;
  }
  const list = concatBytes(central);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, names.length, true);
  end.setUint16(10, names.length, true);
  end.setUint32(12, list.byteLength, true);
  end.setUint32(16, offset, true);
  return concatBytes([...pieces, list, new Uint8Array(end.buffer)]);
}
