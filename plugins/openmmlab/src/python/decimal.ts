/**
 * The decimal text of a double with exactly `digits` places after the point, rounded half to even from its exact binary
 * value, as Python rounds. Negative `digits` round before the point.
 */
export function fixedText(value: number, digits: number): string {
  const { mantissa, exponent } = binaryParts(Math.abs(value));
  // value * 10^digits as a fraction of two integers.
  let top = mantissa;
  let bottom = 1n;
  if (exponent >= 0) top <<= BigInt(exponent);
  else bottom <<= BigInt(-exponent);
  if (digits >= 0) top *= 10n ** BigInt(digits);
  else bottom *= 10n ** BigInt(-digits);
  let whole = top / bottom;
  const twice = 2n * (top % bottom);
  if (twice > bottom || (twice === bottom && whole % 2n === 1n)) whole++;
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (digits <= 0) return `${sign}${whole * 10n ** BigInt(-digits)}`;
  const text = whole.toString().padStart(digits + 1, '0');
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** A finite positive double as an integer times a power of two. */
export function binaryParts(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 };
}

/** The `count` significant digits of a finite double, without a point, and the power of ten of the first one. */
export function significant(value: number, count: number): { digits: string; power: number } {
  if (value === 0) return { digits: '0'.repeat(count), power: 0 };
  const power = Number(Math.abs(value).toExponential(20).split('e')[1]);
  const places = count - 1 - power;
  const text = fixedText(Math.abs(value), places).replace('.', '').replace(/^0+/, '');
  const digits = places < 0 ? text.slice(0, places) : text;
  // 9.96 of two digits becomes 10: one digit more than asked for.
  return digits.length > count ? { digits: digits.slice(0, count), power: power + 1 } : { digits, power };
}

/** Python's `repr` of a float: the shortest text that reads back equal. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  const sign = value < 0 ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  return sign + place(digits, power, power < -4 || power >= 16, 1);
}

/** Digits with the point where it belongs, or with an exponent of at least two digits. */
export function place(digits: string, power: number, scientific: boolean, decimals: number): string {
  if (scientific) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${digits[0]}${fraction}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0');
  const fraction = digits.slice(power + 1).padEnd(decimals, '0');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
