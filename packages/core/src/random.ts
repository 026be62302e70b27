/** Serialisable position of a {@link RandomStream}: four unsigned 32-bit words. */
export type RandomState = readonly [number, number, number, number];

/** A part of the name of a stream: numbers count as 53-bit integers, strings by their UTF-16 units. */
export type StreamKey = number | string;

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  hash ^= Math.imul(k, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** MurmurHash3 (x86, 32 bit) of a sequence of keys, with a seed per output word. */
function hashKeys(keys: readonly StreamKey[], seed: number): number {
  let hash = seed | 0;
  let length = 0;
  for (const key of keys) {
    if (typeof key === 'number') {
      hash = mix(hash, key | 0);
      hash = mix(hash, Math.floor(key / 4294967296) | 0);
      length += 2;
    } else {
      for (let i = 0; i < key.length; i++) hash = mix(hash, key.charCodeAt(i));
      // The length closes a string, so that ('ab', 'c') and ('a', 'bc') differ.
      hash = mix(hash, key.length ^ 0x5bd1e995);
      length += key.length + 1;
    }
  }
  return finish(hash ^ length);
}

/**
 * A seeded stream of random numbers (sfc32, Chris Doty-Humphrey's Small Fast Counting generator; passes PractRand).
 * Streams are named: the same keys always give the same numbers, and different keys give independent ones, so no
 * consumer can disturb another.
 */
export class RandomStream {
  private a: number;
  private b: number;
  private c: number;
  private counter: number;

  constructor(state: RandomState) {
    [this.a, this.b, this.c, this.counter] = state.map((word) => word | 0) as [
      number,
      number,
      number,
      number,
    ];
  }

  /** The stream named by `keys`, e.g. `RandomStream.of(seed, 'augment', epoch, sampleIndex)`. */
  static of(...keys: StreamKey[]): RandomStream {
    const stream = new RandomStream([
      hashKeys(keys, 0x9e3779b9),
      hashKeys(keys, 0x243f6a88),
      hashKeys(keys, 0xb7e15162),
      1,
    ]);
    for (let i = 0; i < 12; i++) stream.uint32();
    return stream;
  }

  get state(): RandomState {
    return [this.a >>> 0, this.b >>> 0, this.c >>> 0, this.counter >>> 0];
  }

  set state(state: RandomState) {
    [this.a, this.b, this.c, this.counter] = state.map((word) => word | 0) as [
      number,
      number,
      number,
      number,
    ];
  }

  /** Uniform integer in [0, 2^32). */
  uint32(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + t) | 0;
    return t >>> 0;
  }

  /** Uniform number in [0, 1) with 53 random bits. */
  float(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in [0, n), without modulo bias. */
  int(n: number): number {
    if (n > 4294967296) return Math.floor(this.float() * n);
    const limit = 4294967296 - (4294967296 % n);
    let x = this.uint32();
    while (x >= limit) x = this.uint32();
    return x % n;
  }

  /** Uniform number in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * this.float();
  }

  /** Normal number (Box–Muller, one of the pair, so that a draw costs a fixed number of words). */
  normal(mean = 0, std = 1): number {
    const u = 1 - this.float();
    const v = this.float();
    return mean + std * Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  }

  /** A permutation of 0..n-1 (Fisher–Yates). */
  permutation(n: number): Uint32Array {
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const swap = order[i]!;
      order[i] = order[j]!;
      order[j] = swap;
    }
    return order;
  }
}
