import type { HostArray, HostData } from '@engine/core';
import { turnToTorch, type BaseModel } from '@engine/nn';
import { byteSize, readInto, readStored, type Tensor } from '@engine/tensor';
import { CapturedArray } from './captured-array.js';
import type { PendingTurn } from './content.js';

const CONTAINERS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Tensors begin at multiples of this, so that any element type can be seen in place. */
const ALIGNMENT = 8;

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Memory that tensors, one after the other, take in a {@link Snapshot}. */
export function snapshotBytes(tensors: Iterable<Tensor>): number {
  let sum = 0;
  for (const tensor of tensors) sum += aligned(byteSize(tensor));
  return sum;
}

/**
 * Copies of tensors in one piece of memory, which is used again for the next checkpoint: fresh memory costs several times
 * as much as the copying. What does not fit gets memory of its own.
 */
export class Snapshot {
  private used = 0;

  /** @param memory shared, so that another thread can write it out; without one each tensor gets an array of its own */
  constructor(readonly memory?: SharedArrayBuffer) {}

  /** Bytes that would have held everything taken so far. */
  get bytes(): number {
    return this.used;
  }

  /** Copies a tensor to the host, in memory layout. @throws E_TENSOR_DTYPE for a string or complex tensor */
  readonly take = (tensor: Tensor): HostArray => {
    const bytes = byteSize(tensor);
    const at = this.used;
    this.used += aligned(bytes);
    const { memory } = this;
    const dtype = tensor.dtype as keyof typeof CONTAINERS;
    const shape = [...tensor.shape];
    if (memory === undefined) {
      const data = new CONTAINERS[dtype](new ArrayBuffer(bytes));
      readInto(tensor, new Uint8Array(data.buffer));
      return { dtype, shape, data };
    }
    // TypeScript's typed arrays over shared memory are those over any other, as far as anybody here can tell.
    const fits = this.used <= memory.byteLength;
    const buffer = (fits ? memory : new SharedArrayBuffer(bytes)) as unknown as ArrayBuffer;
    const offset = fits ? at : 0;
    const split = readStored(tensor, new Uint8Array(buffer, offset, bytes));
    const stored: HostData = new CONTAINERS[dtype](buffer, offset, tensor.size);
    return split === 0 ? { dtype, shape, data: stored } : new CapturedArray(dtype, shape, stored, split);
  };
}

/** What changes when tensors of a model, by name, get PyTorch's layout. */
export function turnsOf(
  model: BaseModel,
  arrays: Readonly<Record<string, HostArray>>,
): Record<string, PendingTurn> {
  const layouts = model.layouts();
  const turns: Record<string, PendingTurn> = {};
  for (const [name, { shape }] of Object.entries(arrays)) {
    const turn = turnToTorch(shape, layouts[name] ?? 'none');
    if (turn) turns[name] = turn;
  }
  return turns;
}
