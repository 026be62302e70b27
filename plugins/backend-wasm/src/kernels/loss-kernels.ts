import type { tf } from '@engine/tensor';
import { KERNEL } from '../kernel-ids.js';
import { float } from '../kernel-runtime.js';
import { rowParts } from '../reductions.js';
import type { KernelCall, WasmKernel } from './install.js';

/** Operations that an exponential counts for. */
const EXP_COST = 20;

function forward({ backend, inputs, attrs }: KernelCall): tf.TensorInfo[] {
  const { logits, labels } = inputs as { logits: tf.TensorInfo; labels: tf.TensorInfo };
  const [rows, classes] = logits.shape as [number, number];
  const parts = rowParts(rows, classes);
  const loss = backend.output([rows]);
  const probs = backend.output([rows, classes]);
  backend.runtime.run(
    KERNEL.crossEntropy,
    parts,
    [
      ...[logits, labels, loss, probs].map((tensor) => backend.address(tensor)),
      rows,
      classes,
      parts,
      attrs['ignoreIndex'] as number,
      float(attrs['labelSmoothing'] as number),
    ],
    EXP_COST * rows * classes,
  );
  return [loss, probs];
}

function gradient({ backend, inputs, attrs }: KernelCall): tf.TensorInfo {
  const { dloss, probs, labels } = inputs as Record<string, tf.TensorInfo>;
  const [rows, classes] = probs!.shape as [number, number];
  const parts = rowParts(rows, classes);
  const dlogits = backend.output([rows, classes]);
  backend.runtime.run(
    KERNEL.crossEntropyGrad,
    parts,
    [
      ...[dloss!, probs!, labels!, dlogits].map((tensor) => backend.address(tensor)),
      rows,
      classes,
      parts,
      attrs['ignoreIndex'] as number,
      float(attrs['labelSmoothing'] as number),
    ],
    3 * rows * classes,
  );
  return dlogits;
}

/** Softmax cross-entropy against class numbers. */
export function lossKernels(): WasmKernel[] {
  return [
    { name: 'EngineSoftmaxCrossEntropy', run: forward },
    { name: 'EngineSoftmaxCrossEntropyGrad', run: gradient },
  ];
}
