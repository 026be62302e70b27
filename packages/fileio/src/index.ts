import { provideSchemas } from '@engine/core';

export * from './atomic-directory.js';
export { atomicWrite, replaceSymlink, SMALL_PIECE, writeSynced } from './atomic-write.js';
export type { AtomicWriteOptions, Content, WrittenFile } from './atomic-write.js';
export * from './file-system.js';
export { fileFormat, registerFileFormat, type FileFormat } from './formats/file-format.js';
export * from './formats/load.js';
export { toPlainValue, type PlainValue } from './formats/plain-value.js';
export { toJson, toPythonJson } from './formats/text-formats.js';
export { httpGet, MemorySink, statusError, type HttpGetOptions, type HttpSink } from './http/http-get.js';
export { fetchOnce, Retryable, withRetries, type RetryOptions } from './http/retry.js';
export * from './io-error.js';
export { LmdbBackend, type LmdbBackendOptions } from './lmdb/lmdb-backend.js';
export {
  MANIFEST_NAME,
  readManifest,
  verifyDirectory,
  type Manifest,
  type VerifyOptions,
} from './manifest.js';
export { readNpy, readNpz, writeNpy, writeNpz } from './numpy/npy.js';
export { PickleObject } from './pickle/pickle-values.js';
export { readPickle, type ReadPickleOptions } from './pickle/read-pickle.js';
export { readVerified, type ReadVerifiedOptions, type VerifiedFiles } from './read-verified.js';
export * from './safetensors/read-safetensors.js';
export * from './safetensors/write-safetensors.js';
export * from './storage/file-backend.js';
export { HTTPBackend, checkRetryOptions, type HTTPBackendOptions } from './storage/http-backend.js';
export * from './storage/io.js';
export { KeyedStorageBackend } from './storage/keyed-backend.js';
export * from './storage/local-backend.js';
export { MemcachedBackend, type MemcachedBackendOptions } from './storage/memcached-backend.js';
export * from './storage/memory-backend.js';
export * from './storage/storage-backend.js';
export { reserveTemps } from './temp-names.js';
export { readTorch, type ReadTorchOptions } from './torch/read-torch.js';
export { readZip, type ZipEntry } from './zip/read-zip.js';
export { cachedWeightsPath, cacheHome, fetchWeights, type FetchWeightsOptions } from './weights/cache.js';
export * from './weights/load-weights.js';
export {
  findPackageModel,
  noWeights,
  readPackageModels,
  splitModelName,
  type ModelEntry,
  type PackageModels,
} from './weights/package-models.js';
export { packagePath, packageRoot } from './weights/package-path.js';
export * from './weights/read-weights.js';

provideSchemas(import.meta.url);
