import { tf } from '@engine/tensor';
import type { EngineWasm } from '../engine-wasm.js';
import { KERNEL } from '../kernel-ids.js';
import { float } from '../kernel-runtime.js';
import { rowParts } from '../reductions.js';
import type { KernelCall, WasmKernel } from './install.js';

function rowsOf(x: tf.TensorInfo): { rows: number; channels: number; size: number } {
  const size = tf.util.sizeFromShape(x.shape);
  const channels = x.shape.at(-1) ?? 1;
  return { rows: channels ? size / channels : 0, channels, size };
}

function train({ backend, inputs, attrs }: KernelCall, rectify: boolean): tf.TensorInfo[] {
  const { x, gamma, beta } = inputs as { x: tf.TensorInfo; gamma: tf.TensorInfo; beta: tf.TensorInfo };
  const { runtime } = backend;
  const { rows, channels, size } = rowsOf(x);
  const parts = rowParts(rows, channels);
  const y = backend.output(x.shape);
  const mean = backend.output([channels]);
  const invStd = backend.output([channels]);
  const variance = backend.output([channels]);
  const from = backend.address(x);
  const statistics = runtime.workspace((parts * 2 + 2) * channels * 4);
  const scale = statistics + parts * 2 * channels * 4;
  const shift = scale + channels * 4;
  runtime.run(KERNEL.normStatistics, parts, [from, statistics, rows, channels, parts], 4 * size);
  runtime.run(
    KERNEL.normMerge,
    1,
    [
      statistics,
      ...[mean, invStd, variance, gamma, beta].map((tensor) => backend.address(tensor)),
      scale,
      shift,
      rows,
      channels,
      parts,
      float(attrs['epsilon'] as number),
    ],
    parts * channels,
  );
  const to = backend.address(y);
  runtime.run(
    KERNEL.normApply,
    parts,
    [from, to, scale, shift, rows, channels, parts, rectify ? 1 : 0],
    3 * size,
  );
  return [y, mean, invStd, variance];
}

function trainGrad({ backend, inputs, attrs }: KernelCall): tf.TensorInfo[] {
  const { dy, x, gamma, mean, invStd, y } = inputs as Record<string, tf.TensorInfo>;
  const { runtime } = backend;
  const { rows, channels, size } = rowsOf(x!);
  const parts = rowParts(rows, channels);
  const dx = backend.output(x!.shape);
  const dgamma = backend.output([channels]);
  const dbeta = backend.output([channels]);
  const grad = backend.address(dy!);
  const from = backend.address(x!);
  const rectified = attrs['relu'] === true ? backend.address(y!) : 0;
  const sums = runtime.workspace((parts * 2 + 3) * channels * 4);
  const coefficients = sums + parts * 2 * channels * 4;
  const means = backend.address(mean!);
  runtime.run(
    KERNEL.normGradSums,
    parts,
    [grad, from, rectified, means, sums, rows, channels, parts],
    5 * size,
  );
  runtime.run(
    KERNEL.normGradMerge,
    1,
    [
      sums,
      ...[gamma!, mean!, invStd!, dgamma, dbeta].map((tensor) => backend.address(tensor)),
      coefficients,
      rows,
      channels,
      parts,
    ],
    parts * channels,
  );
  runtime.run(
    KERNEL.normGradApply,
    parts,
    [grad, from, rectified, coefficients, backend.address(dx), rows, channels, parts],
    5 * size,
  );
  return [dx, dgamma, dbeta];
}

function evaluate({ backend, inputs, attrs }: KernelCall): tf.TensorInfo {
  const { x, gamma, beta, mean, variance } = inputs as Record<string, tf.TensorInfo>;
  const { runtime } = backend;
  const { rows, channels, size } = rowsOf(x!);
  const epsilon = attrs['epsilon'] as number;
  const y = backend.output(x!.shape);
  const [g, b, m, v] = [gamma!, beta!, mean!, variance!].map((t) => view(backend, t));
  const terms = new Float32Array(channels * 2);
  for (let c = 0; c < channels; c++) {
    const scale = g![c]! / Math.sqrt(v![c]! + epsilon);
    terms[c] = scale;
    terms[channels + c] = b![c]! - m![c]! * scale;
  }
  const scale = runtime.table(new Int32Array(terms.buffer));
  const shift = scale + channels * 4;
  const parts = rowParts(rows, channels);
  const to = backend.address(y);
  runtime.run(
    KERNEL.normApply,
    parts,
    [backend.address(x!), to, scale, shift, rows, channels, parts, 0],
    3 * size,
  );
  return y;
}

function view(backend: EngineWasm, tensor: tf.TensorInfo): Float32Array {
  backend.address(tensor);
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** Batch norm with the batch's statistics, fused with ReLU on request, and with given statistics. */
export function normKernels(): WasmKernel[] {
  return [
    { name: 'EngineBatchNormTrain', run: (call) => train(call, call.attrs['relu'] === true) },
    { name: 'EngineBatchNormReluTrain', run: (call) => train(call, true) },
    { name: 'EngineBatchNormTrainGrad', run: trainGrad },
    { name: 'EngineBatchNormEval', run: evaluate },
  ];
}
