import type { DataInfo, ItemStore } from '@engine/data';

/** Images of one size with a label each, in shared memory. */
export interface SharedImages {
  /** uint8 [count, height, width, channels] in a SharedArrayBuffer. */
  pixels: Uint8Array;
  /** int32 [count] in a SharedArrayBuffer. */
  labels: Int32Array;
  /** [height, width, channels]. */
  shape: readonly [number, number, number];
  /** Which images count, in order; all when undefined. */
  places: Uint32Array | undefined;
}

/** Allocates the memory of `count` images. */
export function sharedImages(count: number, shape: readonly [number, number, number]): SharedImages {
  const bytes = count * shape[0] * shape[1] * shape[2];
  return {
    pixels: new Uint8Array(new SharedArrayBuffer(bytes)),
    labels: new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT)),
    shape,
    places: undefined,
  };
}

/** Items `{ img: uint8 [height, width, channels], gtLabel }` out of one block of pixels. */
export class ImageStore implements ItemStore {
  private readonly images: SharedImages;
  private readonly bytesEach: number;

  constructor(images: SharedImages) {
    this.images = images;
    this.bytesEach = images.shape[0] * images.shape[1] * images.shape[2];
  }

  get length(): number {
    return (this.images.places ?? this.images.labels).length;
  }

  get(index: number): DataInfo {
    const { pixels, shape } = this.images;
    const start = this.place(index) * this.bytesEach;
    // A copy: a pipeline may write into what it was given, and other threads read the same memory.
    const data = pixels.slice(start, start + this.bytesEach);
    return { img: { dtype: 'uint8', shape, data }, gtLabel: this.label(index) };
  }

  label(index: number): number {
    return this.images.labels[this.place(index)]!;
  }

  select(indices: readonly number[]): ImageStore {
    const places = new Uint32Array(new SharedArrayBuffer(indices.length * Uint32Array.BYTES_PER_ELEMENT));
    for (let i = 0; i < indices.length; i++) places[i] = this.place(indices[i]!);
    return new ImageStore({ ...this.images, places });
  }

  share(): SharedImages {
    return this.images;
  }

  private place(index: number): number {
    return this.images.places ? this.images.places[index]! : index;
  }
}
