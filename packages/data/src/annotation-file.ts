import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, show } from '@engine/core';
import { fileFormat } from '@engine/fileio';
import { missingData } from './data-paths.js';
import type { Metainfo } from './dataset.js';

/** An annotation file: facts about the dataset and one entry per sample. */
export interface Annotations {
  metainfo: Metainfo;
  dataList: readonly unknown[];
}

function bad(file: string, what: string, received: string, cause?: unknown): EngineError {
  return new EngineError({
    code: 'E_DATA_ANNOTATION',
    what: `The annotation file ${file} ${what}.`,
    received,
    expected: 'an object with `metainfo` (an object) and `dataList` or `data_list` (a list)',
    cause,
    exitCode: 2,
  });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads an annotation file (`.json`, `.yaml`, or another format that fileio knows), in the layout of OpenMMLab: `{ metainfo, data_list }`.
 * @throws E_DATA_MISSING when it cannot be read, E_DATA_ANNOTATION when it is something else
 */
export function readAnnotations(file: string): Annotations {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw missingData('The annotation file cannot be read.', [resolve(file)], undefined, error);
  }
  const format = fileFormat(file);
  let parsed: unknown;
  try {
    parsed = format.binary ? format.parse(new Uint8Array(bytes)) : format.parse(bytes.toString('utf8'));
  } catch (error) {
    throw bad(file, `is not valid ${format.name}`, (error as Error).message.split('\n')[0]!, error);
  }
  if (!isMapping(parsed)) throw bad(file, 'holds no object', show(parsed));
  const dataList = parsed['dataList'] ?? parsed['data_list'];
  if (!Array.isArray(dataList) || !isMapping(parsed['metainfo'])) {
    throw bad(file, 'lacks a part', `the keys ${Object.keys(parsed).join(', ') || '(none)'}`);
  }
  return { metainfo: parsed['metainfo'], dataList };
}
