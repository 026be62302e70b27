import { relative } from 'node:path';
import { shared } from './shared.js';

/** Where a value of a config comes from. */
export interface ConfigOrigin {
  /** Absolute path; undefined for a value that no file gave. */
  file?: string | undefined;
  /** 1-based. */
  line?: number | undefined;
  /** How it came in: `file`, `base` or `override`. */
  via: 'file' | 'base' | 'override';
  /** The override as it was given. */
  text?: string | undefined;
  /** The value that was set there. */
  value: unknown;
}

/** What is remembered of a plain object that is part of a config. */
export interface Provenance {
  /** Its dotted path inside the whole config; '' for the root. */
  path: string;
  /** The newest origin of a dotted path of the whole config. */
  locate(path: string): ConfigOrigin | undefined;
}

const table = shared('provenance', () => new WeakMap<object, Provenance>());

/** Remembers where a plain object of a config stands, so that errors about it can say so. */
export function setProvenance(node: object, provenance: Provenance): void {
  table.set(node, provenance);
}

export function provenanceOf(node: unknown): Provenance | undefined {
  return typeof node === 'object' && node !== null ? table.get(node) : undefined;
}

/** A path for people: relative to the working directory where that is shorter. */
export function showFile(file: string): string {
  const near = relative(process.cwd(), file);
  return near === '' || near.startsWith('..') ? file : near;
}

/** `configs/r18.yaml:12`, or the override that set the value. */
export function showOrigin(origin: ConfigOrigin): string {
  if (origin.file !== undefined)
    return `${showFile(origin.file)}${origin.line === undefined ? '' : `:${origin.line}`}`;
  return origin.text === undefined ? origin.via : `${origin.via} ${origin.text}`;
}
