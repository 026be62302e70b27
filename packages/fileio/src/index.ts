export * from './atomic-directory.js';
export { atomicWrite, replaceSymlink } from './atomic-write.js';
export type { AtomicWriteOptions, Content, WrittenFile } from './atomic-write.js';
export * from './file-system.js';
export { fileFormat, registerFileFormat, type FileFormat } from './formats/file-format.js';
export * from './formats/load.js';
export { toPlainValue, type PlainValue } from './formats/plain-value.js';
export { toJson, toPythonJson } from './formats/text-formats.js';
export * from './io-error.js';
export {
  MANIFEST_NAME,
  readManifest,
  readVerified,
  verifyDirectory,
  type Manifest,
  type VerifiedFiles,
  type VerifyOptions,
} from './manifest.js';
export * from './safetensors/read-safetensors.js';
export * from './safetensors/write-safetensors.js';
export * from './storage/file-backend.js';
export * from './storage/io.js';
export * from './storage/local-backend.js';
export * from './storage/memory-backend.js';
export * from './storage/storage-backend.js';
export { reserveTemps } from './temp-names.js';
