import { int, partStart, word } from './args';

/** Operation codes of {@link elementwise}. */
const ADD: i32 = 0;
const SUB: i32 = 1;
const MUL: i32 = 2;
const ADD_RELU: i32 = 3;
const RELU: i32 = 4;

/**
 * Element by element; a chunk is a part of the elements.
 * args: 0 a, 1 b (or a), 2 output, 3 elements, 4 parts, 5 operation (0 add, 1 subtract, 2 multiply, 3 rectified sum,
 * 4 rectify a, 5 a where b > 0)
 */
export function elementwise(args: usize, chunk: i32): void {
  const size = int(args, 3);
  const parts = int(args, 4);
  const operation = int(args, 5);
  const start = (<usize>partStart(size, 16, parts, chunk)) << 2;
  const count = ((<usize>partStart(size, 16, parts, chunk + 1)) << 2) - start;
  const a = word(args, 0) + start;
  const b = word(args, 1) + start;
  const to = word(args, 2) + start;
  const whole = count & ~(<usize>15);
  const none = f32x4.splat(0);
  if (operation == ADD) {
    for (let i: usize = 0; i < whole; i += 16)
      v128.store(to + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
  } else if (operation == SUB) {
    for (let i: usize = 0; i < whole; i += 16)
      v128.store(to + i, f32x4.sub(v128.load(a + i), v128.load(b + i)));
  } else if (operation == MUL) {
    for (let i: usize = 0; i < whole; i += 16)
      v128.store(to + i, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  } else if (operation == ADD_RELU) {
    for (let i: usize = 0; i < whole; i += 16) {
      v128.store(to + i, f32x4.max(f32x4.add(v128.load(a + i), v128.load(b + i)), none));
    }
  } else if (operation == RELU) {
    for (let i: usize = 0; i < whole; i += 16) v128.store(to + i, f32x4.max(v128.load(a + i), none));
  } else {
    for (let i: usize = 0; i < whole; i += 16) {
      v128.store(to + i, v128.and(v128.load(a + i), f32x4.gt(v128.load(b + i), none)));
    }
  }
  for (let i = whole; i < count; i += 4) {
    const x = f32.load(a + i);
    const y = f32.load(b + i);
    let value: f32 = y > 0 ? x : 0;
    if (operation == ADD) value = x + y;
    else if (operation == SUB) value = x - y;
    else if (operation == MUL) value = x * y;
    else if (operation == ADD_RELU) value = max<f32>(x + y, 0);
    else if (operation == RELU) value = max<f32>(x, 0);
    f32.store(to + i, value);
  }
}

/**
 * Sums rows by segment: `out[segment] = sum of x[row]` over the rows that name it, in row order; rows with a segment out
 * of range are left out. A chunk is a range of segments. args: 0 x, 1 segments (int32), 2 output, 3 rows, 4 columns,
 * 5 segments in all, 6 parts
 */
export function segmentSum(args: usize, chunk: i32): void {
  const rows = int(args, 3);
  const pitch = (<usize>int(args, 4)) << 2;
  const first = partStart(int(args, 5), 1, int(args, 6), chunk);
  const last = partStart(int(args, 5), 1, int(args, 6), chunk + 1);
  const segments = word(args, 1);
  const output = word(args, 2);
  memory.fill(output + first * pitch, 0, (last - first) * pitch);
  for (let r = 0; r < rows; r++) {
    const segment = load<i32>(segments + ((<usize>r) << 2));
    if (segment < first || segment >= last) continue;
    const from = word(args, 0) + r * pitch;
    const to = output + segment * pitch;
    let i: usize = 0;
    for (; i + 16 <= pitch; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
    for (; i < pitch; i += 4) f32.store(to + i, f32.load(to + i) + f32.load(from + i));
  }
}
