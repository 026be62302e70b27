import { tf, type KernelReport, type TensorInfo } from '@engine/tensor';

import { fromArray } from '../aten.js';
import { SCALAR, Storage, scalarType } from '../storage.js';
import { TFJS_NAME, backend, definedKernels, install, isDefined, setDetour, type Inputs } from './define.js';

/** Calls of tfjs's CPU kernels, by kernel name. */
const calls = new Map<string, number>();

/** How often each kernel ran on tfjs's CPU backend because this one has none, since the last reset. */
export function fallbackCounts(): Record<string, number> {
  return Object.fromEntries([...calls].sort(([a], [b]) => a.localeCompare(b)));
}

export function resetFallbackCounts(): void {
  calls.clear();
}

interface CpuBackend {
  makeTensorInfo(shape: number[], dtype: string, values: unknown): TensorInfo;
  readSync(dataId: object): unknown;
  disposeIntermediateTensorInfo(info: TensorInfo): void;
}

/** tfjs's CPU backend, which exists whether or not it was ever the current one. */
function cpu(): CpuBackend {
  return tf.engine().findBackend('cpu') as unknown as CpuBackend;
}

/** The values of a complex tensor as its real and its imaginary part. */
function toCpu(info: TensorInfo): TensorInfo {
  const values = backend().readSync(info.dataId);
  if (info.dtype !== 'complex64') return cpu().makeTensorInfo(info.shape, info.dtype, values);
  const pairs = values as unknown as Float32Array;
  const part = (offset: number): TensorInfo =>
    cpu().makeTensorInfo(
      info.shape,
      'float32',
      Float32Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i + offset]!),
    );
  return tf.getKernel('Complex', 'cpu').kernelFunc({
    inputs: { real: part(0), imag: part(1) },
    backend: cpu() as never,
  }) as TensorInfo;
}

function fromCpu(info: TensorInfo): Storage {
  const values = cpu().readSync(info.dataId);
  if (info.dtype === 'string') {
    const storage = new Storage(-1, -1, info.shape);
    storage.strings = values as Uint8Array[];
    return storage;
  }
  if (info.dtype === 'complex64') {
    const { buffer, byteOffset, byteLength } = values as Float32Array;
    return fromArray(new Uint8Array(buffer, byteOffset, byteLength), info.shape, SCALAR.complex64);
  }
  const Type = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[info.dtype];
  const typed = values instanceof Type ? values : Type.from(values as number[]);
  return fromArray(typed as Float32Array, info.shape, scalarType(info.dtype));
}

/** Runs a kernel on tfjs's CPU backend: values go there and come back. Counted. */
export function onCpu(name: string, inputs: Inputs, attrs: object): Storage[] {
  calls.set(name, (calls.get(name) ?? 0) + 1);
  const used: TensorInfo[] = [];
  const bring = (value: TensorInfo | TensorInfo[]): unknown => {
    if (Array.isArray(value)) return value.map(bring);
    const info = toCpu(value);
    used.push(info);
    // Some kernels read what only a whole tensor has.
    return Object.assign(info, { rank: info.shape.length, size: tf.util.sizeFromShape(info.shape) });
  };
  const given = Object.fromEntries(
    Object.entries(inputs)
      .filter(([, info]) => info !== undefined)
      .map(([key, info]) => [key, bring(info)]),
  );
  const inputsForKernel = Array.isArray(inputs) ? Object.values(given) : given;
  const found = tf.getKernel(name, 'cpu').kernelFunc({
    inputs: inputsForKernel as tf.NamedTensorInfoMap,
    attrs: attrs as tf.NamedAttrMap,
    backend: cpu() as never,
  });
  const outputs = Array.isArray(found) ? found : [found];
  const results = outputs.map(fromCpu);
  for (const info of new Set([...outputs, ...used])) cpu().disposeIntermediateTensorInfo(info);
  return results;
}

/** Kernels whose result is a list even when it has one element. */
const LISTS = new Set(['Unique', 'Unpack', 'SplitV', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5']);

function viaCpu(name: string, inputs: Inputs, attrs: object): Storage | Storage[] {
  const results = onCpu(name, inputs, attrs);
  return results.length === 1 && !LISTS.has(name) ? results[0]! : results;
}

/** Gives every kernel of tfjs's CPU backend that this backend lacks the detour over it. */
export function installFallbacks(): void {
  setDetour(viaCpu);
  for (const name of fallbackKernels()) {
    if (!tf.getKernel(name, TFJS_NAME)) {
      install(name, ((inputs: Inputs, attrs: object) => viaCpu(name, inputs, attrs)) as never);
    }
  }
}

/** Names of kernels that run on tfjs's CPU backend. */
export function fallbackKernels(): string[] {
  return tf
    .getKernelsForBackend('cpu')
    .map(({ kernelName }) => kernelName)
    .filter((name) => !isDefined(name) && !name.startsWith('Engine'))
    .sort();
}

/** Which kernels libtorch runs, which tfjs's CPU backend runs, and how often it had to. */
export function kernelReport(): KernelReport {
  return { own: definedKernels(), fallback: fallbackKernels(), counts: fallbackCounts() };
}
