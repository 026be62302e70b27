import { badValue } from '@engine/core';

import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

/** Inputs {logits, target} of one shape. max(x, 0) - x·y + log(1 + exp(-|x|)) neither overflows nor cancels. */
defineAccelerated({
  name: 'EngineBceWithLogits',
  reference: ({ logits, target }) =>
    tf.tidy(() => {
      const x = logits!;
      return tf.add(tf.sub(tf.relu(x), tf.mul(x, target!)), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
    }),
  gradient: {
    inputsToSave: ['logits', 'target'],
    gradFunc: (dy, saved) => {
      const [logits, target] = saved as [Tensor, Tensor];
      return {
        logits: () => runAccelerated<Tensor>('EngineBceWithLogitsGrad', { dy: dy as Tensor, logits, target }),
        target: () => tf.neg(tf.mul(dy as Tensor, logits)),
      };
    },
  },
});

defineAccelerated({
  name: 'EngineBceWithLogitsGrad',
  reference: ({ dy, logits, target }) => tf.tidy(() => tf.mul(dy!, tf.sub(tf.sigmoid(logits!), target!))),
});

/**
 * Binary cross entropy of sigmoid(logits) with targets, element by element.
 * @param logits any shape
 * @param target float32 of the same shape, probabilities
 * @throws E_CONFIG_VALUE when the shapes differ
 */
export function bceWithLogits(logits: Tensor, target: Tensor): Tensor {
  checkShapes('bceWithLogits', logits, target);
  return runAccelerated<Tensor>('EngineBceWithLogits', { logits, target });
}

/** Logarithm cut at -100, so that a wrong certainty costs something finite. */
const cutLog = (x: Tensor): Tensor => tf.maximum(tf.log(x), -100);

/** Inputs {x, target} of one shape: -y·log(x) - (1 - y)·log(1 - x). */
defineAccelerated({
  name: 'EngineBce',
  reference: ({ x, target }) =>
    tf.tidy(() => {
      const positive = tf.mul(target!, cutLog(x!));
      return tf.neg(tf.add(positive, tf.mul(tf.sub(1, target!), cutLog(tf.sub(1, x!)))));
    }),
  gradient: {
    inputsToSave: ['x', 'target'],
    gradFunc: (dy, saved) => {
      const [x, target] = saved as [Tensor, Tensor];
      return {
        x: () => runAccelerated<Tensor>('EngineBceGrad', { dy: dy as Tensor, x, target }),
        target: () => tf.mul(dy as Tensor, tf.sub(cutLog(tf.sub(1, x)), cutLog(x))),
      };
    },
  },
});

defineAccelerated({
  name: 'EngineBceGrad',
  reference: ({ dy, x, target }) =>
    tf.tidy(() => {
      const variance = tf.maximum(tf.mul(x!, tf.sub(1, x!)), 1e-12);
      return tf.mul(dy!, tf.div(tf.sub(x!, target!), variance));
    }),
});

/**
 * Binary cross entropy of probabilities with targets, element by element; logarithms are cut at -100, and the slope at
 * 0 and 1 is cut as in PyTorch.
 * @param x any shape, from 0 to 1
 * @param target float32 of the same shape, probabilities
 * @throws E_CONFIG_VALUE when the shapes differ
 */
export function bce(x: Tensor, target: Tensor): Tensor {
  checkShapes('bce', x, target);
  return runAccelerated<Tensor>('EngineBce', { x, target });
}

/** Input {x}, attribute `delta`: x² / 2 where |x| ≤ delta, else delta·(|x| - delta / 2). */
defineAccelerated({
  name: 'EngineHuber',
  reference: ({ x }, attrs) =>
    tf.tidy(() => {
      const delta = attrs['delta'] as number;
      const size = tf.abs(x!);
      const inner = tf.minimum(size, delta);
      return tf.mul(inner, tf.sub(size, tf.mul(inner, 0.5)));
    }),
  gradient: {
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attrs) => {
      const [x] = saved as [Tensor];
      return { x: () => runAccelerated<Tensor>('EngineHuberGrad', { dy: dy as Tensor, x }, attrs) };
    },
  },
});

defineAccelerated({
  name: 'EngineHuberGrad',
  reference: ({ dy, x }, attrs) =>
    tf.tidy(() => {
      const delta = attrs['delta'] as number;
      return tf.mul(dy!, tf.clipByValue(x!, -delta, delta));
    }),
});

/**
 * P. Huber 1964: (a - b)² / 2 where |a - b| ≤ delta, else delta·(|a - b| - delta / 2), element by element.
 * @param delta positive; 1 unless said
 * @throws E_CONFIG_VALUE when the shapes differ
 */
export function huber(a: Tensor, b: Tensor, { delta = 1 }: { delta?: number } = {}): Tensor {
  checkShapes('huber', a, b);
  if (!(delta > 0)) throw badValue('huber.delta', delta, 'a positive number');
  return tf.tidy(() => runAccelerated<Tensor>('EngineHuber', { x: tf.sub(a, b) }, { delta }));
}

function checkShapes(owner: string, a: Tensor, b: Tensor): void {
  if (!tf.util.arraysEqual(a.shape, b.shape))
    throw badValue(`${owner}.shapes`, [a.shape, b.shape], 'two tensors of one shape');
}
