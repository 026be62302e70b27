import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

/** dx = dy where y > 0, else 0. Inputs {dy, y}. */
defineAccelerated({
  name: 'EngineReluGrad',
  reference: ({ dy, y }) => tf.tidy(() => tf.mul(dy!, tf.step(y!))),
});

defineAccelerated({
  name: 'EngineRelu',
  reference: ({ x }) => tf.relu(x!),
  gradient: {
    outputsToSave: [true],
    gradFunc: (dy, saved) => {
      const [y] = saved as [Tensor];
      return { x: () => reluGrad(dy as Tensor, y) };
    },
  },
});

defineAccelerated({
  name: 'EngineAddRelu',
  reference: ({ a, b }) => tf.tidy(() => tf.relu(tf.add(a!, b!))),
  gradient: {
    outputsToSave: [true],
    gradFunc: (dy, saved) => {
      const [y] = saved as [Tensor];
      const shared = reluGrad(dy as Tensor, y);
      // The tape disposes a gradient when it adds another to it, so that each input needs a handle of its own.
      return { a: () => shared.clone(), b: () => shared.clone() };
    },
  },
});

function reluGrad(dy: Tensor, y: Tensor): Tensor {
  return runAccelerated<Tensor>('EngineReluGrad', { dy, y });
}

/** max(x, 0), any shape. Its gradient saves the output only, which the next layer holds anyway. */
export function relu<T extends Tensor>(x: T): T {
  return runAccelerated<Tensor>('EngineRelu', { x }) as T;
}

/** relu(a + b) for two tensors of one shape (the end of a residual block); other shapes are broadcast. */
export function addRelu<T extends Tensor>(a: T, b: T): T {
  if (!tf.util.arraysEqual(a.shape, b.shape)) return tf.tidy(() => relu(tf.add(a, b))) as T;
  return runAccelerated<Tensor>('EngineAddRelu', { a, b }) as T;
}
