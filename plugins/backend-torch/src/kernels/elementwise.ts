import type { TensorInfo, tf } from '@engine/tensor';

import { aten, toScalar } from '../aten.js';
import { SCALAR, scalarType, type Storage } from '../storage.js';
import { backend, kernel, on } from './define.js';

interface Unary {
  x: TensorInfo;
}

/** Kernels that are one operator of the same meaning. */
const UNARY: Readonly<Record<string, string>> = {
  Abs: 'abs',
  Acos: 'acos',
  Acosh: 'acosh',
  Asin: 'asin',
  Asinh: 'asinh',
  Atan: 'atan',
  Atanh: 'atanh',
  Ceil: 'ceil',
  ComplexAbs: 'abs',
  Cos: 'cos',
  Cosh: 'cosh',
  Erf: 'erf',
  Exp: 'exp',
  Expm1: 'expm1',
  Floor: 'floor',
  IsInf: 'isinf',
  IsNan: 'isnan',
  IsFinite: 'isfinite',
  Log: 'log',
  Log1p: 'log1p',
  LogicalNot: 'logical_not',
  Neg: 'neg',
  Reciprocal: 'reciprocal',
  Relu: 'relu',
  Round: 'round',
  Rsqrt: 'rsqrt',
  Sigmoid: 'sigmoid',
  Sign: 'sign',
  Sin: 'sin',
  Sinh: 'sinh',
  Sqrt: 'sqrt',
  Square: 'square',
  Tan: 'tan',
  Tanh: 'tanh',
};

for (const [name, op] of Object.entries(UNARY)) {
  kernel(name, (inputs) => {
    const { x } = inputs as unknown as Unary;
    return aten(op, on(x));
  });
}

/** Comparisons and the like, that give the same types as tfjs. */
const BINARY: Readonly<Record<string, string>> = {
  Atan2: 'atan2',
  Equal: 'eq.Tensor',
  Greater: 'gt.Tensor',
  GreaterEqual: 'ge.Tensor',
  Less: 'lt.Tensor',
  LessEqual: 'le.Tensor',
  LogicalAnd: 'logical_and',
  LogicalOr: 'logical_or',
  LogicalXor: 'logical_xor',
  Maximum: 'maximum',
  Minimum: 'minimum',
  Multiply: 'mul.Tensor',
  NotEqual: 'ne.Tensor',
  BitwiseAnd: 'bitwise_and.Tensor',
};

for (const [name, op] of Object.entries(BINARY)) {
  kernel(name, ({ a, b }) => aten(op, on(a), on(b)));
}

kernel('Add', ({ a, b }) => aten('add.Tensor', on(a), on(b), 1));
kernel('Sub', ({ a, b }) => aten('sub.Tensor', on(a), on(b), 1));
kernel('AddN', (inputs) =>
  Object.values(inputs)
    .map(on)
    .reduce((sum, x) => aten('add.Tensor', sum, x, 1)),
);

/** Bool operands count as integers, where libtorch would refuse them. */
function number(x: Storage): Storage {
  return x.scalar === SCALAR.bool ? toScalar(x, SCALAR.int32) : x;
}

kernel('RealDiv', ({ a, b }) => aten('div.Tensor', on(a), on(b)));
kernel('SquaredDifference', ({ a, b }) =>
  aten('square', aten('sub.Tensor', number(on(a)), number(on(b)), 1)),
);

/** Computes in float64, where division by zero and negative powers of integers are numbers, and goes back. */
function inDouble(op: string, a: Storage, b: Storage, ...more: string[]): Storage {
  const type = a.scalar;
  const result = aten(op, toScalar(a, SCALAR.double), toScalar(b, SCALAR.double), ...more);
  return toScalar(result, type);
}

kernel('FloorDiv', ({ a, b }) => {
  const [x, y] = [on(a), on(b)];
  return x.isFloat
    ? toScalar(aten('floor_divide', x, y), SCALAR.int32)
    : inDouble('div.Tensor_mode', x, y, 'floor');
});
kernel('Mod', ({ a, b }) => {
  const [x, y] = [on(a), on(b)];
  return x.isFloat ? aten('remainder.Tensor', x, y) : inDouble('remainder.Tensor', x, y);
});
kernel('Pow', ({ a, b }) => {
  const [x, y] = [on(a), on(b)];
  return x.isFloat && y.isFloat ? aten('pow.Tensor_Tensor', x, y) : inDouble('pow.Tensor_Tensor', x, y);
});

kernel<{ clipValueMin: number; clipValueMax: number }>('ClipByValue', ({ x }, attrs) => {
  const given = on(x);
  return toScalar(aten('clamp', given, attrs.clipValueMin, attrs.clipValueMax), given.scalar);
});
kernel('Relu6', ({ x }) => aten('clamp', on(x), 0, 6));
kernel('Elu', ({ x }) => aten('elu', on(x), 1, 1, 1));
kernel('EluGrad', ({ dy, y }) => aten('elu_backward', on(dy), 1, 1, 1, true, on(y)));
kernel('Selu', ({ x }) => aten('selu', on(x)));
kernel('Softplus', ({ x }) => aten('softplus', on(x), 1, 20));
kernel<{ alpha: number }>('LeakyRelu', ({ x }, { alpha }) => {
  const given = on(x);
  return aten('leaky_relu', given.isFloat ? given : toScalar(given, SCALAR.float32), alpha);
});
kernel('Prelu', ({ x, alpha }) => prelu(on(x), on(alpha)));
kernel<{ alpha: number }>('Step', ({ x }, { alpha }) => {
  const given = on(x);
  const steps = aten('where.ScalarSelf', aten('gt.Scalar', given, 0), 1, alphaTensor(alpha, given));
  return aten('where.self', aten('ne.Tensor', given, given), given, toScalar(steps, given.scalar));
});

export function prelu(x: Storage, alpha: Storage): Storage {
  return aten('where.self', aten('gt.Scalar', x, 0), x, aten('mul.Tensor', x, alpha));
}

function alphaTensor(alpha: number, like: Storage): Storage {
  return aten('full', [], alpha, like.scalar);
}

kernel('Identity', ({ x }) => backend().resolve(x!.dataId));
kernel('ZerosLike', ({ x }) => (x!.dtype === 'string' ? emptyStrings(x!) : aten('zeros_like', on(x))));
kernel('OnesLike', ({ x }) => aten('ones_like', on(x)));

function emptyStrings(x: TensorInfo): Storage {
  const size = x.shape.reduce((product, length) => product * length, 1);
  const values = new Array<Uint8Array>(size).fill(new Uint8Array());
  return backend().resolve(backend().write(values, x.shape, 'string'));
}

kernel<{ dtype: tf.DataType }>('Cast', ({ x }, { dtype }) => {
  const given = on(x);
  // To tfjs it has the type already, whatever it is stored in.
  if (dtype === 'float32' && given.isFloat) return given;
  if (dtype === 'bool' || given.scalar === SCALAR.bool) return toScalar(given, scalarType(dtype));
  if (dtype === 'int32' && given.isFloat) return toScalar(aten('trunc', given), SCALAR.int32);
  if (given.scalar === SCALAR.complex64 && dtype !== 'complex64') {
    return toScalar(aten('contiguous', aten('real', given)), scalarType(dtype));
  }
  return toScalar(given, scalarType(dtype));
});

kernel('Select', ({ condition, t, e }) => {
  const [c, x, y] = [on(condition), on(t), on(e)];
  // A vector of conditions chooses whole rows.
  const shaped =
    c.rank === 1 && x.rank > 1 ? aten('reshape', c, [c.size, ...x.shape.slice(1).map(() => 1)]) : c;
  return aten('where.self', toScalar(shaped, SCALAR.bool), x, y);
});
