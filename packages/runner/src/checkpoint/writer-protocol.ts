import type { ErrorParts } from '@engine/core';
import type { CheckpointContent } from './content.js';

/** What the writing thread is asked to do. */
export type WriterRequest =
  | { id: number; kind: 'write'; folder: string; content: CheckpointContent }
  /** Make memory for a snapshot, with every page in place. */
  | { id: number; kind: 'memory'; bytes: number };

/** An error that has crossed a thread: a house error by its parts, any other by name and message. */
export type PackedError = { parts: ErrorParts } | { name: string; message: string };

export type WriterReply = { id: number; memory?: SharedArrayBuffer } | { id: number; error: PackedError };
