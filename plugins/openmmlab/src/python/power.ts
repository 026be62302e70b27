import { binaryParts } from './decimal.js';

/** Powers that need more bits than this are left to the processor. */
const MOST_BITS = 100_000;

/**
 * `base ** exponent` of a positive finite base, rounded once from the exact result where the exponent is a whole number
 * or a few halvings away from one. JavaScript's own power is often one unit in the last place off from that of C, which
 * Python uses.
 */
export function exactPower(base: number, exponent: number): number {
  let top = Math.abs(exponent);
  let halvings = 0;
  while (!Number.isInteger(top) && halvings < 4) {
    top *= 2;
    halvings++;
  }
  const { mantissa, exponent: shift } = trimmed(base);
  const plain = base ** exponent;
  const normal = Math.abs(plain) > 1e-290 && Number.isFinite(plain);
  if (!normal || !Number.isInteger(top) || top * mantissa.toString(2).length > MOST_BITS) return plain;
  let value = mantissa ** BigInt(top);
  let power = shift * top;
  const roots = 2 ** halvings;
  // Enough bits for the root, and an exponent that the root divides.
  const missing = Math.max(0, 160 * roots - value.toString(2).length);
  const extra = missing + ((((power - missing) % roots) + roots) % roots);
  value <<= BigInt(extra);
  power = (power - extra) / roots;
  for (let i = 0; i < halvings; i++) value = squareRoot(value);
  if (exponent < 0) {
    const bits = value.toString(2).length + 160;
    value = (1n << BigInt(bits)) / value;
    power = -power - bits;
  }
  return toDouble(value, power);
}

function trimmed(value: number): { mantissa: bigint; exponent: number } {
  let { mantissa, exponent } = binaryParts(value);
  while (mantissa !== 0n && mantissa % 2n === 0n) {
    mantissa /= 2n;
    exponent++;
  }
  return { mantissa, exponent };
}

function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** The double nearest to `value * 2 ** power`. */
function toDouble(value: bigint, power: number): number {
  const spare = value.toString(2).length - 64;
  if (spare <= 0) return Number(value) * 2 ** power;
  // The lowest bit stands for all that were cut off, so that rounding still sees them.
  const cut = (value >> BigInt(spare)) | 1n;
  const exact = value === (value >> BigInt(spare)) << BigInt(spare);
  return Number(exact ? value >> BigInt(spare) : cut) * 2 ** (power + spare);
}
