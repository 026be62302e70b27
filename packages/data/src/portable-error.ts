import { EngineError, isEngineError, type ErrorParts } from '@engine/core';

/** An error as plain data: what is lost when an error is posted between threads (parts, causes) is kept. */
export interface PortableError {
  name: string;
  message: string;
  stack: string | undefined;
  parts: Omit<ErrorParts, 'cause'> | undefined;
  cause: PortableError | undefined;
}

/** Causes followed before giving up on a chain that may be circular. */
const DEEPEST = 8;

export function packError(error: unknown, depth = 0): PortableError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: undefined, parts: undefined, cause: undefined };
  }
  const cause = error.cause === undefined || depth >= DEEPEST ? undefined : packError(error.cause, depth + 1);
  let parts: PortableError['parts'];
  if (isEngineError(error)) {
    const { cause: _cause, ...rest } = error.parts;
    parts = rest;
  }
  return { name: error.name, message: error.message, stack: error.stack, parts, cause };
}

export function unpackError(packed: PortableError): Error {
  const cause = packed.cause && unpackError(packed.cause);
  let error: Error;
  if (packed.parts) {
    error = new EngineError({ ...packed.parts, cause });
  } else {
    error = new Error(packed.message, cause && { cause });
    error.name = packed.name;
  }
  if (packed.stack !== undefined) error.stack = packed.stack;
  return error;
}
