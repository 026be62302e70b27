import { defineAccelerated, runAccelerated } from '../accelerated.js';
import { tf } from '../tf.js';
import type { Tensor } from '../tf.js';

type Attrs = Record<string, number>;

/**
 * An activation y = f(x) as a kernel `name`, and dx = dy · f'(x) as `nameGrad` with inputs {dy, x}; both get the same
 * attributes. Saves x only.
 */
export function defineActivation(
  name: string,
  value: (x: Tensor, attrs: Attrs) => Tensor,
  slope: (x: Tensor, attrs: Attrs) => Tensor,
): void {
  defineAccelerated({
    name,
    reference: ({ x }, attrs) => tf.tidy(() => value(x!, attrs as Attrs)),
    gradient: {
      inputsToSave: ['x'],
      gradFunc: (dy, saved, attrs) => {
        const [x] = saved as [Tensor];
        return { x: () => runAccelerated<Tensor>(`${name}Grad`, { dy: dy as Tensor, x }, attrs) };
      },
    },
  });
  defineAccelerated({
    name: `${name}Grad`,
    reference: ({ dy, x }, attrs) => tf.tidy(() => tf.mul(dy!, slope(x!, attrs as Attrs))),
  });
}
