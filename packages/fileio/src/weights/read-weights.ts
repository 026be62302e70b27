import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isHostArray, listNames, type HostArray } from '@engine/core';
import { plainBytes } from '../bytes.js';
import { readNpz } from '../numpy/npy.js';
import { readSafetensors } from '../safetensors/read-safetensors.js';
import { readTorch } from '../torch/read-torch.js';
import { isZip } from '../zip/read-zip.js';

/** A pattern and what to put in place of what it matches, as `String.replace` understands them. */
export type ReviseKey = readonly [pattern: string | RegExp, replacement: string];

export interface WeightOptions {
  /** Take only what is below this name, such as `backbone`, without it. */
  prefix?: string | undefined;
  /** Changes of names, one after the other, before `prefix`. Default: `module.` at the beginning goes. */
  reviseKeys?: readonly ReviseKey[] | undefined;
}

/** Entries of a checkpoint that hold the weights, in the order they are looked for. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model', 'params', 'ema_state_dict'];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * The tensors of a checkpoint's content: the content itself, or its `state_dict`, `model_state_dict`, `model` or
 * `params`. What is no tensor is left out.
 * @throws E_WEIGHTS_NONE naming the entries there are
 */
export function stateDictOf(content: unknown, file: string): Record<string, HostArray> {
  const tensorsOf = (value: unknown): Record<string, HostArray> | undefined => {
    if (!isRecord(value) || isHostArray(value)) return undefined;
    const found = Object.entries(value).filter((entry): entry is [string, HostArray] =>
      isHostArray(entry[1]),
    );
    return found.length > 0 ? Object.fromEntries(found) : undefined;
  };
  if (isRecord(content)) {
    for (const wrapper of WRAPPERS) {
      const found = Object.hasOwn(content, wrapper) ? tensorsOf(content[wrapper]) : undefined;
      if (found) return found;
    }
    const own = tensorsOf(content);
    if (own) return own;
  }
  throw new EngineError({
    code: 'E_WEIGHTS_NONE',
    what: `There are no weights in '${file}'.`,
    received: isRecord(content) ? `the entries ${listNames(Object.keys(content))}` : typeof content,
    expected: `tensors by name, or such under one of ${WRAPPERS.join(', ')}`,
    exitCode: 2,
  });
}

/**
 * Names changed, and those below `prefix` picked.
 * @throws E_WEIGHTS_PREFIX when no name begins with it
 */
export function selectWeights(
  tensors: Record<string, HostArray>,
  { prefix, reviseKeys = [[/^module\./, '']] }: WeightOptions,
): Record<string, HostArray> {
  const revised = Object.entries(tensors).map(([name, value]): [string, HostArray] => [
    reviseKeys.reduce((key, [pattern, replacement]) => key.replace(new RegExp(pattern), replacement), name),
    value,
  ]);
  if (prefix === undefined || prefix === '') return Object.fromEntries(revised);
  const start = prefix.endsWith('.') ? prefix : `${prefix}.`;
  const found = revised.filter(([name]) => name.startsWith(start));
  if (found.length === 0) {
    const tops = [...new Set(revised.map(([name]) => name.split('.')[0]!))];
    throw new EngineError({
      code: 'E_WEIGHTS_PREFIX',
      what: `No weight has a name that begins with '${start}'.`,
      received: `prefix = '${prefix}'`,
      expected: `the beginning of a name in the file: ${listNames(tops)}`,
      exitCode: 2,
    });
  }
  return Object.fromEntries(found.map(([name, value]) => [name.slice(start.length), value]));
}

/**
 * The tensors in the bytes of a weights file, whose format shows in its first bytes: `.safetensors`, files of
 * `torch.save` (objects of unknown classes in them are passed over, nothing is run), `.npz`.
 * @throws E_WEIGHTS_NONE, E_TORCH_CORRUPT, E_PICKLE_CORRUPT, E_ZIP_CORRUPT, E_SAFETENSORS_…
 */
export function parseWeights(bytes: Uint8Array, file: string): Record<string, HostArray> {
  if (file.endsWith('.npz')) return readNpz(bytes, file);
  if (isZip(bytes) || (bytes[0] === 0x80 && !file.endsWith('.safetensors')))
    return stateDictOf(readTorch(bytes, { file, unknown: 'placeholder' }), file);
  return readSafetensors(bytes, { file }).tensors;
}

/**
 * The tensors of a weights file on this machine, or of the `model.safetensors` in a checkpoint folder.
 * @throws E_IO_NOT_FOUND, and the errors of {@link parseWeights} and {@link selectWeights}
 */
export function readWeights(path: string, options: WeightOptions = {}): Record<string, HostArray> {
  const inside = join(path, 'model.safetensors');
  const file = existsSync(inside) ? inside : path;
  if (!existsSync(file) || statSync(file).isDirectory()) {
    throw new EngineError({
      code: 'E_IO_NOT_FOUND',
      what: 'There are no weights at the path given.',
      received: `'${path}'`,
      expected: 'a .safetensors, .pth, .pt or .npz file, or a checkpoint folder with model.safetensors',
      fix: 'check the path',
      exitCode: 2,
    });
  }
  return selectWeights(parseWeights(plainBytes(readFileSync(file)), file), options);
}
