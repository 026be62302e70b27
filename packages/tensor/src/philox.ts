/** Four 32-bit words. */
export type Words4 = [number, number, number, number];

/** High half of the 64-bit product of two 32-bit words, the second in halves of 16 bits. */
function highProduct(a: number, low: number, high: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  // No sum exceeds 2^32, so that doubles hold them exactly.
  const middle = aHigh * low + ((aLow * low) >>> 16);
  const other = aLow * high + (middle & 0xffff);
  return aHigh * high + (middle >>> 16) + (other >>> 16);
}

/**
 * Philox4x32-10, a random function of a counter and a key: J. Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3". Writes four words to `out` from `at` on.
 */
export function philox(
  counter: Readonly<Words4>,
  key: readonly [number, number],
  out: Uint32Array,
  at = 0,
): void {
  let a = counter[0];
  let b = counter[1];
  let c = counter[2];
  let d = counter[3];
  let k0 = key[0] | 0;
  let k1 = key[1] | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = highProduct(a, 0x1f53, 0xd251);
    const low0 = Math.imul(a, 0xd2511f53);
    const high1 = highProduct(c, 0x8d57, 0xcd9e);
    const low1 = Math.imul(c, 0xcd9e8d57);
    a = high1 ^ b ^ k0;
    b = low1;
    c = high0 ^ d ^ k1;
    d = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[at] = a;
  out[at + 1] = b;
  out[at + 2] = c;
  out[at + 3] = d;
}

/** Words of a stream, in order: word i comes from block i / 4, whose counter ends in the number of the call. */
export function philoxWords(size: number, key: readonly [number, number], call: number): Uint32Array {
  const out = new Uint32Array(Math.ceil(size / 4) * 4);
  const counter: Words4 = [0, 0, call >>> 0, Math.floor(call / 4294967296) >>> 0];
  for (let block = 0; block * 4 < size; block++) {
    counter[0] = block >>> 0;
    counter[1] = Math.floor(block / 4294967296);
    philox(counter, key, out, block * 4);
  }
  return out.subarray(0, size);
}
