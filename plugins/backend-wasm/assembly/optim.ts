import { float, int, word } from './args';

/** Elements of one chunk of an update. */
const BLOCK: i32 = 16384;

/**
 * One SGD step on many tensors in place, as torch.optim.SGD. A chunk is a block of one tensor.
 * args: 0 blocks (table: tensor, first element), 1 tensors (table: elements, parameter, gradient, momentum), 2 lr,
 * 3 momentum, 4 dampening, 5 weight decay, 6 sign of the gradient, 7 nesterov, 8 first step
 */
export function sgd(args: usize, chunk: i32): void {
  const block = word(args, 0) + ((<usize>chunk) << 3);
  const tensor = word(args, 1) + ((<usize>load<i32>(block)) << 4);
  const start = load<i32>(block, 4);
  const count = min(load<i32>(tensor) - start, BLOCK);
  const momentum = float(args, 3);
  const decay = float(args, 5);
  const nesterov = int(args, 7);
  const first = int(args, 8);
  let p = <usize>load<u32>(tensor, 4) + ((<usize>start) << 2);
  let g = <usize>load<u32>(tensor, 8) + ((<usize>start) << 2);
  let m = <usize>load<u32>(tensor, 12) + ((<usize>start) << 2);
  const lrs = f32x4.splat(float(args, 2));
  const momenta = f32x4.splat(momentum);
  const fresh = f32x4.splat(1 - float(args, 4));
  const decays = f32x4.splat(decay);
  const signs = f32x4.splat(float(args, 6));
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const value = v128.load(p);
    let step = f32x4.add(f32x4.mul(v128.load(g), signs), f32x4.mul(value, decays));
    if (momentum != 0) {
      const buffer = first ? step : f32x4.add(f32x4.mul(v128.load(m), momenta), f32x4.mul(step, fresh));
      v128.store(m, buffer);
      step = nesterov ? f32x4.add(step, f32x4.mul(buffer, momenta)) : buffer;
    }
    v128.store(p, f32x4.sub(value, f32x4.mul(step, lrs)));
    p += 16;
    g += 16;
    m += 16;
  }
  for (; i < count; i++) {
    const value = f32.load(p);
    let step: f32 = f32.load(g) * float(args, 6) + value * decay;
    if (momentum != 0) {
      const buffer: f32 = first ? step : f32.load(m) * momentum + step * (1 - float(args, 4));
      f32.store(m, buffer);
      step = nesterov ? step + buffer * momentum : buffer;
    }
    f32.store(p, value - step * float(args, 2));
    p += 4;
    g += 4;
    m += 4;
  }
}

/**
 * One Adam step on many tensors in place, as torch.optim.AdamW (decoupled decay) or Adam. A chunk is a block of a tensor.
 * args: 0 blocks, 1 tensors (table: elements, parameter, gradient, m, v, largest v or 0, 0, 0), 2 step size
 * `lr / (1 - beta1^t)`, 3 beta1, 4 beta2, 5 eps, 6 factor on the parameter, 7 weight decay added to the gradient, 8 sign of
 * the gradient, 9 `sqrt(1 - beta2^t)`, 10 `1 - beta1`, 11 `1 - beta2`
 */
export function adam(args: usize, chunk: i32): void {
  const block = word(args, 0) + ((<usize>chunk) << 3);
  const tensor = word(args, 1) + ((<usize>load<i32>(block)) << 5);
  const start = load<i32>(block, 4);
  const count = min(load<i32>(tensor) - start, BLOCK);
  const shift = (<usize>start) << 2;
  const p = <usize>load<u32>(tensor, 4) + shift;
  const g = <usize>load<u32>(tensor, 8) + shift;
  const m = <usize>load<u32>(tensor, 12) + shift;
  const v = <usize>load<u32>(tensor, 16) + shift;
  const top = load<u32>(tensor, 20) ? <usize>load<u32>(tensor, 20) + shift : 0;
  const size = float(args, 2);
  const beta1 = float(args, 3);
  const beta2 = float(args, 4);
  const eps = float(args, 5);
  const keep = float(args, 6);
  const decay = float(args, 7);
  const sign = float(args, 8);
  const correction = float(args, 9);
  const fresh1 = float(args, 10);
  const fresh2 = float(args, 11);
  let i: usize = 0;
  const end = (<usize>count) << 2;
  for (; i + 16 <= end; i += 16) {
    const value = v128.load(p + i);
    const grad = f32x4.add(
      f32x4.mul(v128.load(g + i), f32x4.splat(sign)),
      f32x4.mul(value, f32x4.splat(decay)),
    );
    const first = f32x4.add(
      f32x4.mul(v128.load(m + i), f32x4.splat(beta1)),
      f32x4.mul(grad, f32x4.splat(fresh1)),
    );
    let second = f32x4.add(
      f32x4.mul(v128.load(v + i), f32x4.splat(beta2)),
      f32x4.mul(f32x4.mul(grad, grad), f32x4.splat(fresh2)),
    );
    v128.store(m + i, first);
    v128.store(v + i, second);
    if (top) {
      second = f32x4.max(second, v128.load(top + i));
      v128.store(top + i, second);
    }
    const root = f32x4.add(f32x4.div(f32x4.sqrt(second), f32x4.splat(correction)), f32x4.splat(eps));
    const step = f32x4.mul(f32x4.div(first, root), f32x4.splat(size));
    v128.store(p + i, f32x4.sub(f32x4.mul(value, f32x4.splat(keep)), step));
  }
  for (; i < end; i += 4) {
    const value = f32.load(p + i);
    const grad: f32 = f32.load(g + i) * sign + value * decay;
    const first: f32 = f32.load(m + i) * beta1 + grad * fresh1;
    let second: f32 = f32.load(v + i) * beta2 + grad * grad * fresh2;
    f32.store(m + i, first);
    f32.store(v + i, second);
    if (top) {
      second = max<f32>(second, f32.load(top + i));
      f32.store(top + i, second);
    }
    f32.store(p + i, value * keep - (first / (sqrt<f32>(second) / correction + eps)) * size);
  }
}
