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
    return new ReportedScalar(tensor, this);
  }

  /** Frees a tensor that nobody will read again: now, or at the end of the stage in which hooks may still see it. */
  release(tensor: Scalar): void {
    if (this.inStage) this.released.push(tensor);
    else if (!tensor.isDisposed) tensor.dispose();
  }

  /** Frees what was released during the stage that is over. */
  endStage(): void {
    this.inStage = false;
    if (this.released.length === 0) return;
    for (const tensor of this.released) if (!tensor.isDisposed) tensor.dispose();
    this.released = [];
  }
}

class ReportedScalar implements LazyScalar {
  constructor(
    private readonly tensor: Scalar,
    private readonly owner: ReportedScalars,
  ) {}

  read(): number {
    return this.tensor.dataSync()[0]!;
  }

  dispose(): void {
    this.owner.release(this.tensor);
  }
}
