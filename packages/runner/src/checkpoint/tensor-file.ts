import { reverseAxes, type HostArray, type HostData } from '@engine/core';
import {
  layoutSafetensors,
  nodeFileSystem,
  SMALL_PIECE,
  streamSafetensors,
  writeSynced,
  type FileSystem,
  type TensorSpec,
  type WrittenFile,
} from '@engine/fileio';
import type { PendingTurn } from './content.js';

/** Safetensors metadata that tells other tools what these weights are. */
const METADATA = { format: 'pt', producer: '@engine/runner' };

/** A group of tensors that becomes one file. */
export interface TensorFile {
  group: Record<string, HostArray>;
  /** Changes of layout that are made on the way. */
  turns: Record<string, PendingTurn>;
}

function specsOf({ group, turns }: TensorFile): Record<string, TensorSpec> {
  return Object.fromEntries(
    Object.entries(group).map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape: turns[name]?.shape ?? shape },
    ]),
  );
}

/** Bytes that the file will have. */
export function tensorFileBytes(file: TensorFile): number {
  return layoutSafetensors(specsOf(file), METADATA).bytes;
}

/** Memory for turned arrays, used again as `writeSynced` allows: two pieces for large ones, one for small ones. */
class Scratch {
  private readonly memory = Array.from({ length: 3 }, () => new ArrayBuffer(0));
  private turn = 0;

  like(data: HostData): HostData {
    const small = data.byteLength < SMALL_PIECE;
    if (!small) this.turn = 1 - this.turn;
    const place = small ? 2 : this.turn;
    let buffer = this.memory[place]!;
    if (buffer.byteLength < data.byteLength) {
      buffer = new ArrayBuffer(data.byteLength);
      this.memory[place] = buffer;
    }
    const Data = data.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => HostData;
    return new Data(buffer, 0, data.length);
  }
}

function turned(array: HostArray, { axes, shape, parts = 1 }: PendingTurn, out: HostData): HostData {
  if (parts === 1) return reverseAxes(array, axes, shape, out).data;
  const { dtype, data } = array;
  const size = data.length / parts;
  const partShape = [axes[2], axes[1], axes[0]];
  for (let at = 0; at < data.length; at += size) {
    const part = { dtype, shape: axes, data: data.subarray(at, at + size) };
    reverseAxes(part, axes, partShape, out.subarray(at, at + size));
  }
  return out;
}

/** A file of tensors in pieces; an array that lies otherwise in memory is turned when its turn comes. */
function stream(file: TensorFile): AsyncGenerator<Uint8Array> {
  const scratch = new Scratch();
  const read = (name: string): HostData => {
    const turn = file.turns[name];
    const array = file.group[name]!;
    return turn ? turned(array, turn, scratch.like(array.data)) : array.data;
  };
  return streamSafetensors(specsOf(file), read, METADATA);
}

/** Writes and syncs a file of tensors. @throws the errors of the system, as they are */
export function writeTensorFile(
  path: string,
  file: TensorFile,
  fs: FileSystem = nodeFileSystem,
): Promise<WrittenFile> {
  return writeSynced(fs, path, stream(file));
}
