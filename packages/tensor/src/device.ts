import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { BACKENDS, EngineError, listNames, nearest, show } from '@engine/core';

import type { ComputeBackend, ProbeResult } from './compute-backend.js';
import './cpu-backend.js';

/** Packages of ours that register a backend when imported, by the backend's name. */
const FIRST_PARTY: Readonly<Record<string, string>> = {
  torch: '@engine/backend-torch',
  wasm: '@engine/backend-wasm',
};

/** What {@link probeBackends} found out about one backend. */
export interface BackendReport extends ProbeResult {
  /** Device name, as a config gives it. */
  name: string;
  /** Rank for `device: 'auto'`; undefined when the package that has it is not installed. */
  priority?: number;
}

/** The backend that tensors live on from now on. */
export interface SelectedDevice {
  /** Name in BACKENDS: `wasm`. */
  name: string;
  /** Part after the first colon, if one was given: `cuda:1`. */
  device?: string;
  backend: ComputeBackend;
}

export interface SelectDeviceOptions {
  /** Receives the warnings; Node's process warnings when absent. */
  logger?: { warn(message: string): void };
}

interface Candidate {
  report: BackendReport;
  backend?: ComputeBackend;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}

/** Imports a package from here or, where a strict installation hides it from here, from the working directory. */
async function importPackage(name: string): Promise<void> {
  try {
    await import(/* @vite-ignore */ name);
  } catch (error) {
    let path: string;
    try {
      path = createRequire(join(process.cwd(), 'package.json')).resolve(name);
    } catch {
      throw error;
    }
    await import(/* @vite-ignore */ pathToFileURL(path).href);
  }
}

/** True when `error` says that the package itself, not something inside it, was not found. */
function isMissing(error: unknown, packageName: string): boolean {
  const { code, message } = error as { code?: string; message?: string };
  const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return (
    (absent || /cannot find (package|module)|failed to load url/i.test(message ?? '')) &&
    !!message?.includes(packageName)
  );
}

async function load(name: string): Promise<Candidate> {
  const packageName = FIRST_PARTY[name];
  if (!BACKENDS.has(name) && packageName) {
    try {
      await importPackage(packageName);
    } catch (error) {
      const missing = isMissing(error, packageName);
      return {
        report: {
          name,
          available: false,
          reason: missing
            ? `the package ${packageName} is not installed`
            : `${packageName}: ${firstLine(error)}`,
          fix: missing ? `pnpm add ${packageName}` : `reinstall ${packageName}`,
        },
      };
    }
  }
  const backend = BACKENDS.build<ComputeBackend>({ type: name } as never);
  const { priority } = backend;
  try {
    return { backend, report: { name, priority, ...(await backend.probe()) } };
  } catch (error) {
    return { backend, report: { name, priority, available: false, reason: firstLine(error) } };
  }
}

function names(): string[] {
  return [...new Set([...BACKENDS.list().map((row) => row.name), ...Object.keys(FIRST_PARTY)])];
}

async function candidates(): Promise<Candidate[]> {
  const found = await Promise.all(names().map(load));
  return found.sort((a, b) => (b.report.priority ?? -1) - (a.report.priority ?? -1));
}

/** Asks every known backend whether it can run here, best first; activates none. */
export async function probeBackends(): Promise<BackendReport[]> {
  return (await candidates()).map(({ report }) => report);
}

/**
 * Chooses where tensors are computed and makes it tfjs's current backend.
 *
 * `'auto'` takes the available backend with the highest priority and warns when only tfjs's slow `cpu` is left. A
 * named one (`wasm`, `torch:cuda:1`) is taken or refused, never replaced.
 * @param device `'auto'` unless said
 * @throws E_DEVICE_UNKNOWN when nothing provides a backend of that name
 * @throws E_DEVICE_UNAVAILABLE when the named backend cannot run here, with the reason and what would help
 */
export async function selectDevice(
  device = 'auto',
  options: SelectDeviceOptions = {},
): Promise<SelectedDevice> {
  const warn = (message: string): void =>
    options.logger ? options.logger.warn(message) : process.emitWarning(message, 'EngineWarning');
  if (device === 'auto') return selectBest(warn);
  const colon = device.indexOf(':');
  const name = colon < 0 ? device : device.slice(0, colon);
  const part = colon < 0 ? undefined : device.slice(colon + 1);
  if (!names().includes(name)) {
    throw new EngineError({
      code: 'E_DEVICE_UNKNOWN',
      what: `No compute backend is called '${name}'.`,
      received: `device = ${show(device)}`,
      expected: `'auto' or one of ${listNames(names())}`,
      didYouMean: nearest(name, ['auto', ...names()]),
      fix: 'import the package that provides it, or list that package under `plugins` in the config',
      exitCode: 2,
    });
  }
  const { backend, report } = await load(name);
  if (!backend || !report.available) throw unavailable(device, report);
  try {
    await backend.activate(part);
  } catch (error) {
    if ((error as { parts?: unknown }).parts) throw error;
    throw unavailable(device, { ...report, reason: firstLine(error) }, error);
  }
  return part === undefined ? { name, backend } : { name, device: part, backend };
}

async function selectBest(warn: (message: string) => void): Promise<SelectedDevice> {
  const all = await candidates();
  for (const { backend, report } of all) {
    if (!backend || !report.available) continue;
    try {
      await backend.activate();
    } catch (error) {
      warn(`The compute backend '${report.name}' did not start: ${firstLine(error)}`);
      continue;
    }
    if (report.name === 'cpu') warn(slowWarning(all));
    return { name: report.name, backend };
  }
  throw unavailable('auto', {
    name: 'auto',
    available: false,
    reason: 'no compute backend could be started',
  });
}

function slowWarning(all: readonly Candidate[]): string {
  const reasons = all
    .filter(({ report }) => !report.available)
    .map(
      ({ report }) =>
        `${report.name}: ${report.reason ?? 'not available'}${report.fix ? ` (${report.fix})` : ''}`,
    );
  return `Computing with tfjs's plain JavaScript backend 'cpu', which is slow. ${reasons.join('; ')}`.trim();
}

function unavailable(device: string, report: BackendReport, cause?: unknown): EngineError {
  return new EngineError({
    code: 'E_DEVICE_UNAVAILABLE',
    what: `The device '${device}' cannot be used here: ${report.reason ?? 'its backend gave no reason'}.`,
    received: `device = ${show(device)}`,
    expected: "a device that `engine doctor` shows as available, or 'auto'",
    fix: report.fix,
    cause,
    exitCode: 2,
  });
}
