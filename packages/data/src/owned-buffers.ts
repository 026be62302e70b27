import { isHostArray, type HostData } from '@engine/core';

/** Buffers that belong to the batch alone, so that a worker may hand them over instead of copying. */
const owned = new WeakSet<ArrayBufferLike>();

/**
 * Says that nobody but the batch uses the memory of `data`: a worker thread then transfers it to the main thread
 * without a copy. For collate functions, on arrays that they have just allocated.
 */
export function ownBuffer(data: HostData): void {
  if (data.byteLength > 0 && data.byteLength === data.buffer.byteLength) owned.add(data.buffer);
}

/** The buffers in a batch that may be transferred. */
export function ownedBuffers(batch: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (isHostArray(value)) {
      if (owned.has(value.data.buffer)) found.add(value.data.buffer as ArrayBuffer);
    } else if (ArrayBuffer.isView(value)) {
      if (owned.has(value.buffer)) found.add(value.buffer as ArrayBuffer);
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item);
    } else if (Object.getPrototypeOf(value) === Object.prototype) {
      for (const item of Object.values(value)) visit(item);
    }
  };
  visit(batch);
  return [...found];
}
