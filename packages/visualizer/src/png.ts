import { deflateSync } from 'node:zlib';
import { badValue, type HostArray } from '@engine/core';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** PNG colour type by number of channels: grey, grey + alpha, RGB, RGB + alpha. */
const COLOR_TYPES: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 };

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.byteLength);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.byteLength);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.byteLength, crc32(out.subarray(4, 8 + data.byteLength)));
  return out;
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const pa = Math.abs(p - a);
  const pb = Math.abs(p - b);
  const pc = Math.abs(p - c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** The filters None, Sub, Up and Paeth as functions of the left, upper and upper-left byte. */
const FILTERS: readonly [number, (left: number, up: number, corner: number) => number][] = [
  [0, () => 0],
  [1, (left) => left],
  [2, (_left, up) => up],
  [4, paeth],
];

/** Each row filtered by whichever filter gives the smallest sum of differences (the heuristic of the PNG standard, 12.8). */
function filterRows(pixels: Uint8Array, height: number, stride: number, channels: number): Uint8Array {
  const out = new Uint8Array(height * (stride + 1));
  const zeros = new Uint8Array(stride);
  const candidate = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * stride, (y + 1) * stride);
    const above = y > 0 ? pixels.subarray((y - 1) * stride, y * stride) : zeros;
    let best = Infinity;
    for (const [type, predict] of FILTERS) {
      let cost = 0;
      for (let x = 0; x < stride; x++) {
        const left = x >= channels ? row[x - channels]! : 0;
        const corner = x >= channels ? above[x - channels]! : 0;
        const difference = (row[x]! - predict(left, above[x]!, corner)) & 0xff;
        candidate[x] = difference;
        cost += difference < 128 ? difference : 256 - difference;
      }
      if (cost >= best) continue;
      best = cost;
      out[y * (stride + 1)] = type;
      out.set(candidate, y * (stride + 1) + 1);
    }
  }
  return out;
}

/**
 * Encodes an image as PNG (ISO/IEC 15948), 8 bits per channel.
 * @param image uint8, [H, W] or [H, W, C] with C 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA)
 * @throws E_CONFIG_VALUE for another dtype, rank or number of channels, or an empty image
 */
export function encodePng(image: HostArray): Uint8Array {
  const [height = 0, width = 0, channels = 1] = image.shape;
  const colorType = COLOR_TYPES[channels];
  const fits = image.shape.length >= 2 && image.shape.length <= 3 && colorType !== undefined;
  if (image.dtype !== 'uint8' || !fits || height < 1 || width < 1) {
    throw badValue(
      'image',
      `${image.dtype} [${image.shape.join(', ')}]`,
      'a uint8 image [H, W] or [H, W, C] with 1 to 4 channels',
      'scale to 0…255 and convert to uint8 first',
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, colorType, 0, 0, 0], 8);
  const rows = filterRows(image.data as Uint8Array, height, width * channels, channels);
  const deflated = deflateSync(rows);
  const data = new Uint8Array(deflated.buffer, deflated.byteOffset, deflated.byteLength);
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', new Uint8Array()),
  ];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}
