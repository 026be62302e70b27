import { tf } from '@engine/tensor';
import type { EngineWasm } from '../engine-wasm.js';
import { KERNEL } from '../kernel-ids.js';
import { float } from '../kernel-runtime.js';
import type { KernelCall, WasmKernel } from './install.js';

/** Elements of one chunk, as in `assembly/optim.ts`. */
const BLOCK = 16384;

/**
 * Tables of a multi-tensor update, one after another: blocks (tensor, first element), then for each tensor its size and
 * the addresses of what the update reads and writes.
 */
function tables(
  backend: EngineWasm,
  inputs: Record<string, tf.TensorInfo>,
  count: number,
  columns: readonly string[],
  width: number,
): { blocks: number; tensors: number; chunks: number; size: number } {
  const blocks: number[] = [];
  const tensors: number[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const size = tf.util.sizeFromShape(inputs[`p${i}`]!.shape);
    const row = [size, ...columns.map((name) => addressOf(backend, inputs[`${name}${i}`]))];
    while (row.length < width) row.push(0);
    tensors.push(...row);
    for (let start = 0; start < size; start += BLOCK) blocks.push(i, start);
    total += size;
  }
  const address = backend.runtime.table([...blocks, ...tensors]);
  return { blocks: address, tensors: address + blocks.length * 4, chunks: blocks.length / 2, size: total };
}

function addressOf(backend: EngineWasm, tensor: tf.TensorInfo | undefined): number {
  return tensor ? backend.address(tensor) : 0;
}

interface SgdAttrs {
  count: number;
  lr: number;
  momentum: number;
  dampening: number;
  nesterov: boolean;
  weightDecay: number;
  maximize: boolean;
  first: boolean;
}

function sgd({ backend, inputs, attrs }: KernelCall): [] {
  const options = attrs as unknown as SgdAttrs;
  const { blocks, tensors, chunks, size } = tables(backend, inputs, options.count, ['p', 'g', 'm'], 4);
  backend.runtime.run(
    KERNEL.sgd,
    chunks,
    [
      blocks,
      tensors,
      float(options.lr),
      float(options.momentum),
      float(options.dampening),
      float(options.weightDecay),
      float(options.maximize ? -1 : 1),
      options.nesterov ? 1 : 0,
      options.first ? 1 : 0,
    ],
    8 * size,
  );
  return [];
}

interface AdamAttrs {
  count: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  amsgrad: boolean;
  maximize: boolean;
  step: number;
  decoupled: boolean;
}

function adam({ backend, inputs, attrs }: KernelCall): [] {
  const o = attrs as unknown as AdamAttrs;
  const columns = ['p', 'g', 'm', 'v', ...(o.amsgrad ? ['vmax'] : [])];
  const { blocks, tensors, chunks, size } = tables(backend, inputs, o.count, columns, 8);
  backend.runtime.run(
    KERNEL.adam,
    chunks,
    [
      blocks,
      tensors,
      float(o.lr / (1 - o.beta1 ** o.step)),
      float(o.beta1),
      float(o.beta2),
      float(o.eps),
      float(o.decoupled ? 1 - o.lr * o.weightDecay : 1),
      float(o.decoupled ? 0 : o.weightDecay),
      float(o.maximize ? -1 : 1),
      float(Math.sqrt(1 - o.beta2 ** o.step)),
      float(1 - o.beta1),
      float(1 - o.beta2),
    ],
    16 * size,
  );
  return [];
}

/** Optimizer steps on many tensors at once; parameters and state are overwritten where they lie. */
export function optimKernels(): WasmKernel[] {
  return [
    { name: 'EngineSgdUpdate', run: sgd },
    { name: 'EngineAdamWUpdate', run: adam },
  ];
}
