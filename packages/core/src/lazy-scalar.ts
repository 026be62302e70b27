/** A number that is still on its way, such as a loss on a device: reading it may wait for the device. */
export interface LazyScalar {
  read(): number;
  /** Gives up the resources behind it; called once, after the last `read`. */
  dispose(): void;
}

/** What a one-element tfjs tensor offers, and all that is needed of it. */
export interface ReadableScalar {
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

export function isLazyScalar(value: unknown): value is LazyScalar {
  if (typeof value !== 'object' || value === null) return false;
  const { read, dispose } = value as Partial<LazyScalar>;
  return typeof read === 'function' && typeof dispose === 'function';
}

/** Wraps a one-element tensor, which it then owns, as a {@link LazyScalar}. */
export function lazyScalar(tensor: ReadableScalar): LazyScalar {
  return {
    read: () => Number(tensor.dataSync()[0]),
    dispose: () => {
      tensor.dispose();
    },
  };
}
