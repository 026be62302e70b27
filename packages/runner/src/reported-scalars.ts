import type { LazyScalar } from '@engine/core';
import type { Scalar } from '@engine/tensor';

const adopted = new WeakSet<Scalar>();

/** Whether a reported tensor belongs to a {@link ReportedScalars}, so that the loop must not free it. */
export function isAdopted(tensor: Scalar): boolean {
  return adopted.has(tensor);
}

/**
 * Takes a step's reported tensors over as they are, without a copy, and hands them on as lazy scalars. A hook may still
 * read a tensor in the stage in which the log processor has read and released it, so that what is released during a
 * stage is freed when the stage is over.
 */
export class ReportedScalars {
  private inStage = false;
  private released: Scalar[] = [];

  adopt(tensor: Scalar): LazyScalar {
    this.inStage = true;
    adopted.add(tensor);
    return {
      read: () => tensor.dataSync()[0]!,
      dispose: () => {
        if (this.inStage) this.released.push(tensor);
        else if (!tensor.isDisposed) tensor.dispose();
      },
    };
  }

  /** Frees what was released during the stage that is over. */
  endStage(): void {
    this.inStage = false;
    if (this.released.length === 0) return;
    for (const tensor of this.released) if (!tensor.isDisposed) tensor.dispose();
    this.released = [];
  }
}
