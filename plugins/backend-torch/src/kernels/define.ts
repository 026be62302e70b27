import { tf, type TensorInfo } from '@engine/tensor';

import { aten, toScalar, withArena } from '../aten.js';
import type { EngineTorch } from '../engine-torch.js';
import { SCALAR, tfjsType, type Storage } from '../storage.js';
import { withPrecision } from './precision.js';

/** Name under which the kernels stand in tfjs. */
export const TFJS_NAME = 'torch';

/** A kernel's inputs, by name or by place. */
export type Inputs = Readonly<Record<string, TensorInfo>>;

/** What a kernel does: inputs as they come from tfjs (see {@link on}), results as libtorch tensors. */
export type Body<A> = (inputs: Inputs, attrs: A) => Storage | Storage[];

const bodies = new Map<string, Body<never>>();

/** Declares a kernel; {@link installKernels} hands all of them to tfjs. */
export function kernel<A = Record<string, never>>(name: string, body: Body<A>): void {
  bodies.set(name, body as Body<never>);
}

/** Names of all declared kernels, tfjs's and accelerated ones. */
export function definedKernels(): string[] {
  return [...bodies.keys()].sort();
}

export function isDefined(name: string): boolean {
  return bodies.has(name);
}

export function backend(): EngineTorch {
  return tf.engine().findBackend(TFJS_NAME) as EngineTorch;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The libtorch tensor of an input, in the input's shape. */
export function on(info: TensorInfo | undefined): Storage {
  const storage = backend().resolve(info!.dataId);
  return storage.strings || sameShape(storage.shape, info!.shape)
    ? storage
    : aten('reshape', storage, info!.shape);
}

/** In single precision, which the operators of this package compute in. */
export const f32 = (x: Storage): Storage => toScalar(x, SCALAR.float32);

/** The entries `p0`, `p1`, … of a multi-tensor kernel's inputs. */
export function onList(inputs: Inputs, prefix: string, count: number): Storage[] {
  return Array.from({ length: count }, (_, i) => on(inputs[`${prefix}${i}`]));
}

/** Inputs by place: `AddN`, `Concat` and `Pack` get a list. */
export function onAll(inputs: Inputs): Storage[] {
  return Object.values(inputs).map(on);
}

/** Makes a tfjs tensor of a result: in a type that tfjs knows, held by tfjs. */
export function finish(result: Storage): TensorInfo {
  let storage = result;
  if (storage.scalar === SCALAR.int64 || storage.scalar === SCALAR.byte) {
    storage = toScalar(storage, SCALAR.int32);
  } else if (storage.scalar === SCALAR.double) storage = toScalar(storage, SCALAR.float32);
  backend().adopt(storage);
  return {
    dataId: storage,
    shape: storage.shape,
    dtype: storage.strings ? 'string' : tfjsType(storage.scalar),
  };
}

/** Strings are unknown to libtorch. */
function hasStrings(inputs: Inputs): boolean {
  for (const name in inputs) if (inputs[name]?.dtype === 'string') return true;
  return false;
}

/** Kernels that never look at the values. */
const STRING_KERNELS = new Set(['Identity', 'ZerosLike']);

/** Runs a kernel somewhere else: what fallback.ts offers. */
type Detour = (name: string, inputs: Inputs, attrs: object) => Storage | Storage[];
let detour: Detour | undefined;

export function setDetour(given: Detour): void {
  detour = given;
}

/** Registers a kernel with tfjs under a name of its own or an accelerated kernel's. */
export function install(name: string, declared: Body<never>): void {
  const body = withPrecision(name, declared, (info) => backend().resolve(info.dataId));
  tf.registerKernel({
    kernelName: name,
    backendName: TFJS_NAME,
    kernelFunc: ({ inputs, attrs }) =>
      withArena(() => {
        const given = inputs as Inputs;
        const options = (attrs ?? {}) as never;
        const elsewhere = hasStrings(given) && !STRING_KERNELS.has(name);
        const result = elsewhere ? detour!(name, given, options) : body(given, options);
        return Array.isArray(result) ? result.map(finish) : finish(result);
      }),
  });
}

/** Registers every declared kernel that tfjs does not have for this backend yet. */
export function installKernels(): void {
  for (const [name, body] of bodies) if (!tf.getKernel(name, TFJS_NAME)) install(name, body);
}
