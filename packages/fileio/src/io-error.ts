import { EngineError, isEngineError } from '@engine/core';

/** What was being done when a file operation failed. */
export interface IoContext {
  /** The file or folder as the user knows it, not its temporary name. */
  path: string;
  /** Verb phrase for the sentence: `write`, `read`, `rename`. */
  doing: string;
  /** Bytes that the operation needed, when known. */
  bytes?: number | undefined;
  /** Bytes free on that volume, when known. */
  freeBytes?: number | undefined;
}

interface Kind {
  code: string;
  why: string;
  fix: string;
}

const NO_SPACE: Kind = {
  code: 'E_IO_NO_SPACE',
  why: 'the disk is full',
  fix: 'free space on that disk, or choose another folder (workDir)',
};
const PERMISSION: Kind = {
  code: 'E_IO_PERMISSION',
  why: 'this user may not do that',
  fix: 'change the permissions of the folder, or choose another one',
};
const NOT_FOUND: Kind = { code: 'E_IO_NOT_FOUND', why: 'it does not exist', fix: 'check the path' };

const KINDS: Readonly<Record<string, Kind>> = {
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  EROFS: {
    code: 'E_IO_PERMISSION',
    why: 'the file system is read-only',
    fix: 'choose a folder that can be written',
  },
  ENOENT: NOT_FOUND,
  EIO: {
    code: 'E_IO_DEVICE',
    why: 'the device reported an input/output error',
    fix: 'check the disk (dmesg, smartctl) before trusting anything on it',
  },
  EISDIR: { code: 'E_IO_IS_DIRECTORY', why: 'it is a folder', fix: 'give the path of a file' },
  ENOTDIR: {
    code: 'E_IO_NOT_DIRECTORY',
    why: 'a part of the path is a file',
    fix: 'give the path of a folder',
  },
  EEXIST: { code: 'E_IO_EXISTS', why: 'it exists already', fix: 'remove it first, or choose another name' },
};

/** The operating system's code of an error (`ENOSPC`), if it has one; Node's own `ERR_…` codes do not count. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * The house error for a failed file operation: E_IO_NO_SPACE, E_IO_PERMISSION, E_IO_DEVICE, E_IO_NOT_FOUND,
 * E_IO_IS_DIRECTORY, E_IO_NOT_DIRECTORY, E_IO_EXISTS, else E_IO_FAILED. An {@link EngineError} is returned as it is.
 */
export function ioError(cause: unknown, context: IoContext): EngineError {
  if (isEngineError(cause)) return cause;
  const errno = errnoOf(cause);
  const kind = (errno === undefined ? undefined : KINDS[errno]) ?? {
    code: 'E_IO_FAILED',
    why: cause instanceof Error ? cause.message : String(cause),
    fix: undefined,
  };
  const space = kind === NO_SPACE;
  const needed = context.bytes === undefined ? undefined : `${context.bytes} bytes`;
  const free = context.freeBytes === undefined ? '' : `, ${context.freeBytes} bytes are free`;
  return new EngineError({
    code: kind.code,
    what: `Cannot ${context.doing} '${context.path}': ${kind.why}.`,
    received:
      [errno, needed && `${needed} needed${space ? free : ''}`].filter(Boolean).join(', ') || undefined,
    fix: kind.fix,
    cause,
  });
}
