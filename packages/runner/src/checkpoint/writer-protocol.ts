import type { ErrorParts } from '@engine/core';
import type { WrittenFile } from '@engine/fileio';
import type { CheckpointContent } from './content.js';
import type { FolderStep } from './folder-writer.js';
import type { TensorFile } from './tensor-file.js';

/** What a writing thread is asked to do. */
export type WriterRequest =
  /** Write a checkpoint; with `helped` the thread has another one write part of it. */
  | { id: number; kind: 'write'; folder: string; content: CheckpointContent; helped: boolean }
  /** Write one file of a checkpoint that another thread writes. */
  | { id: number; kind: 'file'; path: string; file: TensorFile }
  | { id: number; kind: 'steps'; steps: readonly FolderStep[] }
  /** Make memory for a snapshot, with every page in place. */
  | { id: number; kind: 'memory'; bytes: number };

/** An error that has crossed a thread: a house error by its parts, any other by name, message and the system's code. */
export type PackedError =
  { parts: ErrorParts } | { name: string; message: string; code?: string | undefined };

/** What a request gave. */
export interface WriterResult {
  memory?: SharedArrayBuffer;
  written?: WrittenFile;
  problems?: string[];
}

export type WriterReply = { id: number; result: WriterResult } | { id: number; error: PackedError };
