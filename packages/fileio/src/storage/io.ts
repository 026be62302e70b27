import { getFileBackend, type BackendOptions } from './file-backend.js';
import type { GetOptions, ListOptions, LocalPath } from './storage-backend.js';

// The file functions: each finds the storage by the path's prefix (or `options.backend`) and hands over. Copies between
// this machine and a storage choose it by the side that is not local.

/** Bytes of a file, or a range of them. @param read range, progress, abort */
export function get(path: string, options?: BackendOptions, read?: GetOptions): Promise<Uint8Array> {
  return getFileBackend(path, options, true).get(path, read);
}

/** Text of a file. @param encoding UTF-8 unless said */
export function getText(path: string, encoding?: BufferEncoding, options?: BackendOptions): Promise<string> {
  return getFileBackend(path, options, true).getText(path, encoding);
}

/** Writes bytes, as a whole or not at all. */
export function put(data: Uint8Array, path: string, options?: BackendOptions): Promise<void> {
  return getFileBackend(path, options, true).put(data, path);
}

/** Writes text as UTF-8, as a whole or not at all. */
export function putText(text: string, path: string, options?: BackendOptions): Promise<void> {
  return getFileBackend(path, options, true).putText(text, path);
}

export function exists(path: string, options?: BackendOptions): Promise<boolean> {
  return getFileBackend(path, options, true).exists(path);
}

export function isdir(path: string, options?: BackendOptions): Promise<boolean> {
  return getFileBackend(path, options, true).isdir(path);
}

export function isfile(path: string, options?: BackendOptions): Promise<boolean> {
  return getFileBackend(path, options, true).isfile(path);
}

/** Joins in the manner of the path's storage: `joinPath('memory://a/', '/b')` is `memory://a/b`. */
export function joinPath(path: string, ...parts: string[]): string {
  return getFileBackend(path, {}, true).joinPath(path, ...parts);
}

/** A path on this machine with the file's content; call its `release` when done. */
export function getLocalPath(path: string, options?: BackendOptions): Promise<LocalPath> {
  return getFileBackend(path, options, true).getLocalPath(path);
}

/** Copies inside one storage. @returns the final path, inside `target` when that is a folder */
export function copyfile(source: string, target: string, options?: BackendOptions): Promise<string> {
  return getFileBackend(source, options, true).copyfile(source, target);
}

export function copytree(source: string, target: string, options?: BackendOptions): Promise<string> {
  return getFileBackend(source, options, true).copytree(source, target);
}

export function copyfileFromLocal(source: string, target: string, options?: BackendOptions): Promise<string> {
  return getFileBackend(target, options, true).copyfileFromLocal(source, target);
}

export function copytreeFromLocal(source: string, target: string, options?: BackendOptions): Promise<string> {
  return getFileBackend(target, options, true).copytreeFromLocal(source, target);
}

export function copyfileToLocal(source: string, target: string, options?: BackendOptions): Promise<string> {
  return getFileBackend(source, options, true).copyfileToLocal(source, target);
}

export function copytreeToLocal(source: string, target: string, options?: BackendOptions): Promise<string> {
  return getFileBackend(source, options, true).copytreeToLocal(source, target);
}

/** Removes a file; E_IO_IS_DIRECTORY for a folder, E_IO_NOT_FOUND for nothing. */
export function remove(path: string, options?: BackendOptions): Promise<void> {
  return getFileBackend(path, options, true).remove(path);
}

/** Removes a folder with all in it. */
export function rmtree(path: string, options?: BackendOptions): Promise<void> {
  return getFileBackend(path, options, true).rmtree(path);
}

/** @returns true when linked, false when copied */
export function copyIfSymlinkFails(
  source: string,
  target: string,
  options?: BackendOptions,
): Promise<boolean> {
  return getFileBackend(source, options, true).copyIfSymlinkFails(source, target);
}

/** Paths relative to `path`, in no particular order; names that begin with a dot are left out. */
export function listDirOrFile(
  path: string,
  list?: ListOptions,
  options?: BackendOptions,
): AsyncIterable<string> {
  return getFileBackend(path, options, true).listDirOrFile(path, list);
}

/** An address that anybody may read from (or write to) for `seconds`, where the storage has such (S3). */
export function generatePresignedUrl(
  path: string,
  method: 'GET' | 'PUT' = 'GET',
  seconds = 3600,
  options?: BackendOptions,
): Promise<string> {
  return getFileBackend(path, options, true).generatePresignedUrl(path, method, seconds);
}
