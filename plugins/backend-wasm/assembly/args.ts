/** Argument `i` of a job as an address or unsigned number. */
export function word(args: usize, i: i32): usize {
  return load<u32>(args + ((<usize>i) << 2));
}

/** Argument `i` of a job as a signed number. */
export function int(args: usize, i: i32): i32 {
  return load<i32>(args + ((<usize>i) << 2));
}

/** Argument `i` of a job as a float. */
export function float(args: usize, i: i32): f32 {
  return load<f32>(args + ((<usize>i) << 2));
}

/** First index of part `index` of `parts` nearly equal parts of `size`, in steps of `unit`. */
export function partStart(size: i32, unit: i32, parts: i32, index: i32): i32 {
  const units = (size + unit - 1) / unit;
  const start = <i32>((<i64>units * index) / parts) * unit;
  return start < size ? start : size;
}

/** Writes zeros; `bytes` is a multiple of 4. */
export function clear(to: usize, bytes: usize): void {
  if (bytes >= 1024) {
    memory.fill(to, 0, bytes);
    return;
  }
  const end = to + bytes;
  const none = f32x4.splat(0);
  while (to + 16 <= end) {
    v128.store(to, none);
    to += 16;
  }
  while (to < end) {
    f32.store(to, 0);
    to += 4;
  }
}

/** Copies; `bytes` is a multiple of 4. */
export function copy(to: usize, from: usize, bytes: usize): void {
  if (bytes >= 1024) {
    memory.copy(to, from, bytes);
    return;
  }
  const end = to + bytes;
  while (to + 16 <= end) {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  }
  while (to < end) {
    f32.store(to, f32.load(from));
    to += 4;
    from += 4;
  }
}
