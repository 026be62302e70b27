import type { TensorInfo } from '@engine/tensor';

import { toScalar } from '../aten.js';
import { autocastScalar, isNarrow, narrowed } from '../autocast.js';
import { SCALAR, type Storage } from '../storage.js';

// What each kernel does with narrow floats. The lists are those of torch.autocast for CUDA (libtorch 1.13,
// aten/src/ATen/autocast_mode.cpp), which keep more in float32 than the ones for the CPU. What autocast decides in the
// forward pass shows in the types of the tensors, so that the gradients, which run later, need only look at these.

/** A kernel's inputs, by name or by place. */
type Inputs = Readonly<Record<string, TensorInfo>>;
type Run<A> = (inputs: Inputs, attrs: A) => Storage | Storage[];
type Resolve = (info: TensorInfo) => Storage;

/**
 * `lower`: in the narrow type of any input, else in autocast's. `float32`: widened. `widest`: in the widest float among
 * the inputs. `asIs`: as they come; libtorch promotes where types meet, or the kernel sees to it.
 */
type Rule = 'lower' | 'float32' | 'widest' | 'asIs';

const LOWER = [
  'BatchMatMul',
  'Conv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
  'Conv3D',
  'Conv3DBackpropFilterV2',
  'Conv3DBackpropInputV2',
  'DepthwiseConv2dNative',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'Einsum',
  'EngineConv2d',
  'EngineConv2dGrad',
  'EngineConvTranspose2d',
  'EngineLinear',
  'EngineLinearGrad',
  'FusedConv2D',
  'FusedDepthwiseConv2D',
  '_FusedMatMul',
];

const FLOAT32 = [
  'Acos',
  'Acosh',
  'Asin',
  'Cosh',
  'Cumprod',
  'Cumsum',
  'Exp',
  'Expm1',
  'Log',
  'Log1p',
  'LogSoftmax',
  'Pow',
  'Prod',
  'Reciprocal',
  'Rsqrt',
  'Sinh',
  'Softmax',
  'Softplus',
  // tfjs composes mean squared errors and variances of these two.
  'Square',
  'SquaredDifference',
  'Sum',
  'Tan',
];

const WIDEST = [
  'Atan2',
  'Concat',
  'EngineAddRelu',
  'Pack',
  'Prelu',
  'ScatterNd',
  'Select',
  'TensorScatterUpdate',
];

/** Accelerated kernels that know what to do with a narrow input; the others run in float32. */
const NARROW_READY = [
  'EngineAdaptiveAvgPool2d',
  'EngineAdaptiveAvgPool2dGrad',
  'EngineAdaptiveMaxPool2d',
  'EngineAdaptiveMaxPool2dGrad',
  'EngineBatchNormEval',
  'EngineBatchNormReluTrain',
  'EngineBatchNormTrain',
  'EngineBatchNormTrainGrad',
  'EngineRelu',
  'EngineReluGrad',
  ...['Elu', 'Gelu', 'GeluTanh', 'Hardsigmoid', 'Hardswish', 'Hardtanh', 'LeakyRelu', 'Mish', 'Silu'].flatMap(
    (name) => [`Engine${name}`, `Engine${name}Grad`],
  ),
  ...['Nearest', 'NearestExact', 'Bilinear', 'Bicubic'].flatMap((name) => [
    `EngineResize${name}`,
    `EngineResize${name}Grad`,
  ]),
];

const RULES = new Map<string, Rule>([
  ...LOWER.map((name) => [name, 'lower'] as const),
  ...FLOAT32.map((name) => [name, 'float32'] as const),
  ...WIDEST.map((name) => [name, 'widest'] as const),
  ...NARROW_READY.map((name) => [name, 'asIs'] as const),
]);

/** Types of a kernel's results: that of an input, autocast's (`lower`), or float32. */
type Results = (attrs: never) => readonly string[];
const only = (...names: (string | false)[]): string[] => names.filter((name) => name !== false);

const RESULTS = new Map<string, Results>([
  [
    'EngineConv2dGrad',
    (attrs: { needInput: boolean; needFilter: boolean; needBias: boolean }) =>
      only(attrs.needInput && 'x', attrs.needFilter && 'filter', attrs.needBias && 'float32'),
  ],
  [
    'EngineLinearGrad',
    (attrs: { needInput: boolean; needWeight: boolean; needBias: boolean }) =>
      only(attrs.needInput && 'x', attrs.needWeight && 'weight', attrs.needBias && 'float32'),
  ],
  ['EngineAttention', () => ['lower', 'float32']],
  ['EngineSelfAttention', () => ['lower', 'float32']],
  ['EngineScaledDotProductAttention', () => ['lower', 'float32']],
  ['EngineMaskedScaledDotProductAttention', () => ['lower', 'float32']],
  ['EngineScaledDotProductAttentionGrad', () => ['q', 'k', 'v', 'float32']],
  ['EngineDropout', () => ['x']],
  ['EngineGroupNormGrad', () => ['x', 'float32', 'float32']],
  ['EngineAttentionGrad', () => ['q', 'k', 'v']],
  ['EngineSelfAttentionGrad', () => ['qkv']],
  ['EngineLayerNormGrad', () => ['x', 'float32', 'float32']],
]);

function ruleOf(name: string): Rule {
  return RULES.get(name) ?? (name.startsWith('Engine') ? 'float32' : 'asIs');
}

/** The type that lower-precision kernels compute in for these inputs; undefined for float32. */
function lowerScalar(inputs: Inputs, resolve: Resolve): number | undefined {
  for (const name in inputs) {
    const info = inputs[name];
    if (info?.dtype === 'float32') {
      const storage = resolve(info);
      if (isNarrow(storage)) return storage.scalar;
    }
  }
  return autocastScalar();
}

function anyNarrow(inputs: Inputs, resolve: Resolve): boolean {
  for (const name in inputs) {
    const info = inputs[name];
    if (info?.dtype === 'float32' && isNarrow(resolve(info))) return true;
  }
  return false;
}

/** The inputs with all floats in one type. */
function cast(inputs: Inputs, scalar: number, resolve: Resolve): Inputs {
  const given: Record<string, TensorInfo> = {};
  for (const name in inputs) {
    const info = inputs[name];
    if (info?.dtype !== 'float32') {
      given[name] = info as TensorInfo;
      continue;
    }
    const storage = resolve(info);
    if (storage.scalar === scalar) given[name] = info;
    else {
      const other = storage.scalar === SCALAR.float32 ? narrowed(storage, scalar) : toScalar(storage, scalar);
      given[name] = { dataId: other, shape: info.shape, dtype: info.dtype };
    }
  }
  return given;
}

/** The widest float among inputs of which at least one is narrow. */
function widest(inputs: Inputs, resolve: Resolve): number {
  let found: number | undefined;
  for (const name in inputs) {
    if (inputs[name]?.dtype !== 'float32') continue;
    const { scalar } = resolve(inputs[name]);
    if (found !== undefined && found !== scalar) return SCALAR.float32;
    found = scalar;
  }
  return found!;
}

function typed(
  results: Storage | Storage[],
  types: readonly string[],
  inputs: Inputs,
  resolve: Resolve,
  lower: number | undefined,
): Storage | Storage[] {
  const as = (result: Storage, i: number): Storage => {
    const type = types[i];
    if (type === undefined || result.handle < 0) return result;
    if (type === 'float32') return toScalar(result, SCALAR.float32);
    const scalar = type === 'lower' ? (lower ?? SCALAR.float32) : resolve(inputs[type]!).scalar;
    return toScalar(result, scalar);
  };
  return Array.isArray(results) ? results.map(as) : as(results, 0);
}

/** libtorch's words for an operator that knows no narrow type on the device. */
const NOT_IMPLEMENTED = /not implemented for '(BFloat16|Half)'|expected scalar type|got: c10::BFloat16/i;

/** Runs a kernel in float32 and brings what it returns back to a narrow type, unless that is float32 too. */
function around<A>(
  body: Run<A>,
  inputs: Inputs,
  attrs: A,
  scalar: number,
  resolve: Resolve,
): Storage | Storage[] {
  const back = (result: Storage): Storage =>
    result.scalar === SCALAR.float32 && result.handle >= 0 ? toScalar(result, scalar) : result;
  const found = body(cast(inputs, SCALAR.float32, resolve), attrs);
  return Array.isArray(found) ? found.map(back) : back(found);
}

/** Runs a kernel as it is, and around float32 from the first time on that libtorch says that it cannot. */
function asIs<A>(body: Run<A>, resolve: Resolve): Run<A> {
  let refused = false;
  return (inputs, attrs) => {
    if (!refused) {
      try {
        return body(inputs, attrs);
      } catch (error) {
        if (!NOT_IMPLEMENTED.test((error as Error).message) || !anyNarrow(inputs, resolve)) throw error;
        refused = true;
      }
    }
    if (!anyNarrow(inputs, resolve)) return body(inputs, attrs);
    return around(body, inputs, attrs, widest(inputs, resolve), resolve);
  };
}

/** Runs a kernel in a narrow type, or, where libtorch has no such operator for these shapes, around float32. */
function inNarrow<A>(
  body: Run<A>,
  inputs: Inputs,
  attrs: A,
  scalar: number,
  resolve: Resolve,
): Storage | Storage[] {
  try {
    return body(cast(inputs, scalar, resolve), attrs);
  } catch (error) {
    if (!NOT_IMPLEMENTED.test((error as Error).message)) throw error;
  }
  return around(body, inputs, attrs, scalar, resolve);
}

/** The kernel with inputs and results in the types that mixed precision asks for. */
export function withPrecision<A>(name: string, body: Run<A>, resolve: Resolve): Run<A> {
  const rule = ruleOf(name);
  if (rule === 'asIs') return asIs(body, resolve);
  const results = RESULTS.get(name);
  return (inputs, attrs) => {
    const lower = lowerScalar(inputs, resolve);
    if (lower === undefined) return body(inputs, attrs);
    const found =
      rule === 'lower'
        ? inNarrow(body, inputs, attrs, lower, resolve)
        : body(cast(inputs, rule === 'widest' ? widest(inputs, resolve) : SCALAR.float32, resolve), attrs);
    return results ? typed(found, results(attrs as never), inputs, resolve, lower) : found;
  };
}
