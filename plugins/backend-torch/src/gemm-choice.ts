import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { badValue } from '@engine/core';

import type { Native } from './native.js';

/** Classes of shapes (`nn m-10-10-10`) and the route that is fastest for them. */
type Choices = Record<string, string>;

let measuring = false;

/** One file for each processor, thread count and version: what is fastest here need not be elsewhere. */
function cacheFile(addon: Native): string {
  const folder = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const machine = `${cpus()[0]?.model} ${addon.threads()} ${addon.info().version} ${addon.gemmRoutes()}`;
  const name = createHash('sha256').update(machine).digest('hex').slice(0, 16);
  return join(folder, 'engine', `torch-gemm-${name}.json`);
}

function load(file: string): Choices {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Choices;
  } catch {
    return {};
  }
}

/**
 * Decides how matrices are multiplied, by `ENGINE_TORCH_GEMM`: `blas`, `dnnl`, `measure`, or unset for `dnnl` where
 * libtorch shares it. That needs no measurement, so that a run and its resumption multiply alike on every machine.
 * @throws E_CONFIG_VALUE when the variable names no route that exists here
 */
export function chooseGemm(addon: Native, wanted = process.env.ENGINE_TORCH_GEMM ?? ''): void {
  const routes = addon.gemmRoutes().split(' ');
  measuring = wanted === 'measure';
  if (!measuring) {
    if (wanted !== '' && !routes.includes(wanted)) {
      throw badValue('ENGINE_TORCH_GEMM', wanted, `one of ${[...routes, 'measure'].join(', ')}`);
    }
    addon.forceGemmRoute(wanted || routes[routes.length - 1]!);
    return;
  }
  addon.forceGemmRoute('');
  for (const [shapes, route] of Object.entries(load(cacheFile(addon)))) {
    if (routes.includes(route)) addon.setGemmChoice(shapes, route);
  }
}

/**
 * Writes down what has been measured since. Called before values leave for the host, and so before any checkpoint that
 * they could be part of.
 */
export function rememberGemm(addon: Native): void {
  if (!measuring) return;
  const lines = addon.takeGemmChoices().split('\n').filter(Boolean);
  if (lines.length === 0) return;
  const file = cacheFile(addon);
  const measured = Object.fromEntries(lines.map((line) => line.split(' ') as [string, string]));
  // What stands there already has been used by somebody.
  const text = JSON.stringify({ ...measured, ...load(file) }, null, 1);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // A home that cannot be written to costs a measurement in the next process.
  }
}
