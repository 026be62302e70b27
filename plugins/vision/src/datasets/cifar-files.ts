import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '@engine/core';
import { dataRoots } from '@engine/data';
import { sharedImages, type SharedImages } from './image-store.js';

/** One of the CIFAR datasets in its binary form. */
export interface CifarVariant {
  name: string;
  /** Folder that the archive unpacks to. */
  folder: string;
  url: string;
  /** MD5 of the archive, as published beside it. */
  md5: string;
  trainFile: RegExp;
  testFile: RegExp;
  /** Bytes before the pixels of a record; the last of them is the label. */
  labelBytes: number;
  numClasses: number;
  /** File with the names of the classes, a line each. */
  namesFile: string;
}

const SIDE = 32;
const CHANNELS = 3;
const PLANE = SIDE * SIDE;

/** Where data are looked for, and downloaded to, when neither `dataRoot` nor ENGINE_DATA_ROOT says: `./data`. */
export function cifarRoots(dataRoot: string | undefined): string[] {
  const roots = dataRoots(dataRoot);
  return roots.length ? roots : [resolve('data')];
}

/** The places looked at: the folder of the archive in each root, and the root itself. */
export function cifarPlaces(variant: CifarVariant, dataRoot: string | undefined): string[] {
  return cifarRoots(dataRoot).flatMap((root) => [join(root, variant.folder), root]);
}

/** Batch files of a split that are there, in order; data may be a part of the whole. Undefined when there is none. */
export function findCifar(
  variant: CifarVariant,
  dataRoot: string | undefined,
  train: boolean,
): { folder: string; files: string[] } | undefined {
  const pattern = train ? variant.trainFile : variant.testFile;
  for (const folder of cifarPlaces(variant, dataRoot)) {
    let names: string[];
    try {
      names = readdirSync(folder);
    } catch {
      continue;
    }
    const files = names
      .filter((name) => pattern.test(name))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    if (files.length) return { folder, files: files.map((name) => join(folder, name)) };
  }
  return undefined;
}

/** Class names, where their file is there. */
export function readClassNames(variant: CifarVariant, folder: string): string[] | undefined {
  try {
    const names = readFileSync(join(folder, variant.namesFile), 'utf8')
      .split(/\r?\n/)
      .filter((line) => line !== '');
    return names.length === variant.numClasses ? names : undefined;
  } catch {
    return undefined;
  }
}

function corrupt(
  variant: CifarVariant,
  file: string,
  what: string,
  received: string,
  expected: string,
): EngineError {
  return new EngineError({
    code: 'E_DATA_CORRUPT',
    what: `The ${variant.name} file ${file} ${what}.`,
    received,
    expected,
    fix: `delete the file and unpack ${variant.url} again`,
    exitCode: 2,
  });
}

/**
 * Reads batch files: records of label byte(s) and 3072 bytes, red, green and blue plane. Pixels are turned to height ×
 * width × channels.
 *
 * @see https://www.cs.toronto.edu/~kriz/cifar.html
 * @throws E_DATA_CORRUPT for a file that does not consist of whole records, or a label out of range
 */
export function readCifar(variant: CifarVariant, files: readonly string[]): SharedImages {
  const record = variant.labelBytes + CHANNELS * PLANE;
  const counts = files.map((file) => {
    const { size } = statSync(file);
    const records = Math.round(size / record);
    if (size !== records * record || size === 0) {
      throw corrupt(
        variant,
        file,
        'is truncated or corrupt',
        `${size} bytes`,
        `${Math.max(1, Math.ceil(size / record)) * record} bytes, or another multiple of ${record}`,
      );
    }
    return records;
  });
  const images = sharedImages(
    counts.reduce((a, b) => a + b, 0),
    [SIDE, SIDE, CHANNELS],
  );
  let image = 0;
  files.forEach((file, f) => {
    const bytes = readFileSync(file);
    if (bytes.length !== counts[f]! * record) {
      throw corrupt(
        variant,
        file,
        'cannot be read whole',
        `${bytes.length} bytes`,
        `${counts[f]! * record} bytes`,
      );
    }
    for (let r = 0; r < counts[f]!; r++, image++) {
      const start = r * record + variant.labelBytes;
      const label = bytes[start - 1]!;
      if (label >= variant.numClasses) {
        throw corrupt(
          variant,
          file,
          `has a wrong label in record ${r}`,
          `${label}`,
          `0 to ${variant.numClasses - 1}`,
        );
      }
      images.labels[image] = label;
      interleave(bytes, start, images.pixels, image * CHANNELS * PLANE);
    }
  });
  return images;
}

/** Planes of red, green, blue to pixels of three values. */
function interleave(source: Uint8Array | Buffer, from: number, target: Uint8Array, to: number): void {
  for (let p = 0; p < PLANE; p++, to += CHANNELS) {
    target[to] = source[from + p]!;
    target[to + 1] = source[from + PLANE + p]!;
    target[to + 2] = source[from + 2 * PLANE + p]!;
  }
}
