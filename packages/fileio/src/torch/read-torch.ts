import { BYTES_PER_ELEMENT } from '@engine/core';
import { finishPickle, PickleGlobal } from '../pickle/pickle-values.js';
import { readPickle, runPickle, type ReadPickleOptions } from '../pickle/read-pickle.js';
import { isZip, readZip } from '../zip/read-zip.js';
import { NumpyArray } from './numpy-objects.js';
import { torchGlobal } from './torch-globals.js';
import { ExpansionBudget, STORAGE_DTYPES, torchCorrupt, TorchStorage, TorchTensor } from './torch-tensor.js';

export interface ReadTorchOptions {
  /** Name of the file, for error messages. */
  file?: string | undefined;
  /**
   * What to do with objects of classes that are not built here: `error` refuses the file, `placeholder` keeps their
   * data as `PickleObject` without running anything. Default `error`.
   */
  unknown?: 'error' | 'placeholder' | undefined;
}

/** First number of the older format, `0x1950a86a20f9469cfc6c`. */
const LEGACY_MAGIC = 119547037146038801333356n;

/**
 * What `torch.save` wrote, in its zip format (since 1.6) or the older one: tensors and parameters as row-major
 * `HostArray`s (views of `bytes` where they lie so), numpy arrays likewise, dicts as plain objects, tuples as arrays.
 * Nothing in the file is run: a class or function that is not on a short list is refused by name.
 *
 * @throws E_PICKLE_GLOBAL naming the class or function refused
 * @throws E_TORCH_CORRUPT, E_PICKLE_CORRUPT, E_ZIP_CORRUPT for a file that is cut short or contradicts itself
 */
export function readTorch(bytes: Uint8Array, options: ReadTorchOptions = {}): unknown {
  return isZip(bytes) ? readZipped(bytes, options) : readLegacy(bytes, options);
}

/** Storages by key, made as the pickle names them. */
class Storages {
  readonly byKey = new Map<string, TorchStorage>();

  constructor(
    private readonly file: string | undefined,
    private readonly bytesOf: (key: string) => Uint8Array | undefined,
  ) {}

  /** The storage that a persistent id `('storage', class, key, device, elements)` means. */
  resolve(id: unknown): TorchStorage {
    const [kind, type, key, , count] = Array.isArray(id) ? (id as unknown[]) : [];
    const dtype = type instanceof PickleGlobal ? STORAGE_DTYPES[type.name] : undefined;
    if (kind !== 'storage' || dtype === undefined || !Number.isSafeInteger(count) || (count as number) < 0) {
      const what = type instanceof PickleGlobal ? type.name : String(kind);
      throw torchCorrupt(this.file, 'it points to something that is no known storage', what);
    }
    const name = String(key);
    const known = this.byKey.get(name);
    if (known) return known;
    const storage = new TorchStorage(name, dtype, count as number);
    storage.bytes = this.bytesOf(name);
    if (storage.bytes) this.checkSize(storage, storage.bytes.byteLength);
    this.byKey.set(name, storage);
    return storage;
  }

  checkSize(storage: TorchStorage, bytes: number): void {
    const expected = storage.count * BYTES_PER_ELEMENT[storage.dtype];
    if (bytes < expected) {
      throw torchCorrupt(
        this.file,
        `the storage '${storage.key}' is shorter than said`,
        `${bytes} bytes`,
        `${expected} bytes`,
      );
    }
  }
}

function pickleOptions(options: ReadTorchOptions, storages?: Storages): ReadPickleOptions {
  return {
    file: options.file,
    unknown: options.unknown,
    globals: (name) => torchGlobal(name, options.file),
    ...(storages && { persistent: (id: unknown) => storages.resolve(id) }),
  };
}

function finish(value: unknown, bytes: Uint8Array, file: string | undefined): unknown {
  const budget = new ExpansionBudget(bytes.byteLength);
  return finishPickle(value, file, (item) => {
    if (item instanceof TorchTensor) return item.toHostArray(budget);
    if (item instanceof NumpyArray) return item.toHostArray();
    if (item instanceof TorchStorage) return storageAsArray(item, file, budget);
    return item;
  });
}

/** A bare storage is its elements in a row. */
function storageAsArray(storage: TorchStorage, file: string | undefined, budget: ExpansionBudget): unknown {
  return new TorchTensor(storage, [0, [storage.count], [1]], storage.dtype, file).toHostArray(budget);
}

function readZipped(bytes: Uint8Array, options: ReadTorchOptions): unknown {
  const { file } = options;
  const entries = readZip(bytes, file);
  const pickle = [...entries.keys()].find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  if (pickle === undefined) throw torchCorrupt(file, 'it is a zip archive without data.pkl');
  const root = pickle.slice(0, -'data.pkl'.length);
  const order = entries.get(`${root}byteorder`)?.read();
  if (order && Buffer.from(order).toString() !== 'little')
    throw torchCorrupt(file, 'it was written on a big-endian machine');
  const storages = new Storages(file, (key) => entries.get(`${root}data/${key}`)?.read());
  const { value } = runPickle(entries.get(pickle)!.read(), pickleOptions(options, storages));
  return finish(value, bytes, file);
}

function readLegacy(bytes: Uint8Array, options: ReadTorchOptions): unknown {
  const { file } = options;
  if (bytes[0] !== 0x80) throw torchCorrupt(file, 'it does not begin like a file of torch.save');
  const plain = { file };
  const magic = readPickle(bytes, plain);
  if (magic.value !== LEGACY_MAGIC)
    throw torchCorrupt(file, 'it does not begin like a file of torch.save', 'another pickle');
  const version = readPickle(bytes, { ...plain, offset: magic.end });
  if (version.value !== 1001) throw torchCorrupt(file, 'its version is not known', String(version.value));
  const system = readPickle(bytes, { ...plain, offset: version.end });
  if ((system.value as { little_endian?: unknown } | null)?.little_endian === false)
    throw torchCorrupt(file, 'it was written on a big-endian machine');
  const storages = new Storages(file, () => undefined);
  const main = runPickle(bytes, { ...pickleOptions(options, storages), offset: system.end });
  const keys = readPickle(bytes, { ...plain, offset: main.end });
  readStorages(bytes, keys, storages, file);
  return finish(main.value, bytes, file);
}

/** After the pickles: for each key a count of 8 bytes and the elements. */
function readStorages(
  bytes: Uint8Array,
  keys: { value: unknown; end: number },
  storages: Storages,
  file: string | undefined,
): void {
  if (!Array.isArray(keys.value)) throw torchCorrupt(file, 'its list of storages is missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = keys.end;
  for (const key of keys.value as unknown[]) {
    const storage = storages.byKey.get(String(key));
    if (!storage) throw torchCorrupt(file, `it has a storage '${String(key)}' that nothing uses`);
    if (at + 8 > bytes.byteLength) throw torchCorrupt(file, 'it ends too early');
    const length = Number(view.getBigUint64(at, true)) * BYTES_PER_ELEMENT[storage.dtype];
    at += 8;
    if (at + length > bytes.byteLength)
      throw torchCorrupt(file, 'it ends too early', `${bytes.byteLength} bytes`);
    storages.checkSize(storage, length);
    storage.bytes = bytes.subarray(at, at + length);
    at += length;
  }
}
