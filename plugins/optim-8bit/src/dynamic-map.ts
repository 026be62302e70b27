const CODES = 256;
/** Decades that the exponent reaches down from 1. */
const DECADES = 7;

/**
 * 256 ascending numbers from −1 (or 0) to 1 that a byte stands for: a sign, an exponent of varying length and a linear
 * fraction in the bits that remain, so that small numbers of a block keep their relative precision. Equal to
 * bitsandbytes' `create_dynamic_map`.
 * @see Dettmers, "8-Bit Approximations for Parallelism in Deep Learning", arXiv:1511.04561; Dettmers et al., "8-bit
 *   Optimizers via Block-wise Quantization", arXiv:2110.02861, section 2
 */
export class DynamicMap {
  readonly values: Float32Array;
  /** Halfway between each value and the next, rounded to float32: up to here a number has the lower code. */
  private readonly bounds: Float32Array;
  /** For the upper half of a float's bits, the code of the smallest of those floats. */
  private readonly floor = new Uint8Array(1 << 16);
  private readonly float = new Float32Array(1);
  private readonly bits = new Uint32Array(this.float.buffer);

  /** @param signed for numbers of both signs, such as momentum; else twice as fine for those not below 0 */
  constructor(signed: boolean) {
    this.values = mapValues(signed);
    this.bounds = this.values
      .slice(1)
      .map((value, code) => Math.fround(Math.fround(value + this.values[code]!) / 2));
    let code = 0;
    for (let half = 0; half < this.floor.length; half++) {
      // Of the floats that share these bits the smallest: for negative ones that of largest magnitude.
      this.bits[0] = half & 0x8000 ? ((half << 16) | 0xffff) >>> 0 : half << 16;
      const smallest = this.float[0]!;
      while (code > 0 && !(this.bounds[code - 1]! < smallest)) code--;
      while (code < CODES - 1 && this.bounds[code]! < smallest) code++;
      this.floor[half] = code;
    }
  }

  /**
   * The code of the nearest value, the lower one of two as near.
   * @param value a float32 from −1 to 1; NaN gives 0
   */
  encode(value: number): number {
    if (Number.isNaN(value)) return 0;
    const { bounds } = this;
    this.float[0] = value;
    let code = this.floor[this.bits[0]! >>> 16]!;
    while (code < CODES - 1 && bounds[code]! < value) code++;
    return code;
  }
}

function mapValues(withSign: boolean): Float32Array {
  const values = [0, 1];
  for (let decade = 0; decade < DECADES; decade++) {
    const scale = Math.fround(10 ** (decade - DECADES + 1));
    const fractions = 2 ** (withSign ? decade : decade + 1);
    const bounds = linspace(0.1, 1, fractions + 1);
    for (let i = 0; i < fractions; i++) {
      const middle = Math.fround(Math.fround(bounds[i]! + bounds[i + 1]!) / 2);
      values.push(scale * middle);
      if (withSign) values.push(-scale * middle);
    }
  }
  return Float32Array.from(values).sort();
}

/** `count` evenly spaced float32 from `start` to `end`, rounded as PyTorch does: from the nearer end. */
function linspace(start: number, end: number, count: number): Float32Array {
  const [first, last] = [Math.fround(start), Math.fround(end)];
  const step = Math.fround(Math.fround(last - first) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) ? first + step * i : last - step * (count - 1 - i),
  );
}

/** The map for numbers of both signs, such as momentum. */
export const SIGNED_MAP = new DynamicMap(true);

/** The map for numbers that are not negative, such as second moments. */
export const UNSIGNED_MAP = new DynamicMap(false);
