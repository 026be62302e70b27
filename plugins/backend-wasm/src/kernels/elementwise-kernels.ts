import { tf } from '@engine/tensor';
import type { EngineWasm } from '../engine-wasm.js';
import { KERNEL } from '../kernel-ids.js';
import { tfjsKernel, type WasmKernel } from './install.js';

/** Operations of `assembly/elementwise.ts`. */
const OPERATION = { add: 0, sub: 1, mul: 2, addRelu: 3, relu: 4, keepWherePositive: 5 } as const;

const PART_ELEMENTS = 16384;

function apply(
  backend: EngineWasm,
  operation: number,
  a: tf.TensorInfo,
  b: tf.TensorInfo = a,
): tf.TensorInfo {
  const size = tf.util.sizeFromShape(a.shape);
  const parts = Math.max(1, Math.min(64, Math.floor(size / PART_ELEMENTS)));
  const output = backend.output(a.shape);
  const addresses = [a, b, output].map((tensor) => backend.address(tensor));
  backend.runtime.run(KERNEL.elementwise, parts, [...addresses, size, parts, operation], 2 * size);
  return output;
}

/** A binary operator of tfjs, ours where both sides are float32 of one shape. */
function binary(name: string, operation: number): WasmKernel {
  const general = tfjsKernel(name);
  return {
    name,
    run: (call) => {
      const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const plain = a.dtype === 'float32' && b.dtype === 'float32' && tf.util.arraysEqual(a.shape, b.shape);
      return plain ? apply(call.backend, operation, a, b) : general(call);
    },
  };
}

/** Rectifiers, residual sums, and element by element operators of equal shapes, on all threads. */
export function elementwiseKernels(): WasmKernel[] {
  const reluByTfjs = tfjsKernel('Relu');
  return [
    binary('Add', OPERATION.add),
    binary('Sub', OPERATION.sub),
    binary('Multiply', OPERATION.mul),
    {
      name: 'Relu',
      run: (call) => {
        const { x } = call.inputs as { x: tf.TensorInfo };
        return x.dtype === 'float32' ? apply(call.backend, OPERATION.relu, x) : reluByTfjs(call);
      },
    },
    {
      // tfjs's own copies. A clone shares its storage here, as it does on tfjs's other backends.
      name: 'Identity',
      run: ({ backend, inputs }) => {
        const { dataId, shape, dtype } = inputs['x']!;
        backend.incRef(dataId);
        return { dataId, shape, dtype };
      },
    },
    { name: 'EngineRelu', run: ({ backend, inputs }) => apply(backend, OPERATION.relu, inputs['x']!) },
    {
      name: 'EngineReluGrad',
      run: ({ backend, inputs }) => apply(backend, OPERATION.keepWherePositive, inputs['dy']!, inputs['y']!),
    },
    {
      name: 'EngineAddRelu',
      run: ({ backend, inputs }) => apply(backend, OPERATION.addRelu, inputs['a']!, inputs['b']!),
    },
  ];
}
