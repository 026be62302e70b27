import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { EngineError } from '@engine/core';

/**
 * Starts a thread that runs worker.js. Where this package itself runs from its TypeScript sources (its own tests,
 * scripts of this repository), tsx makes the thread understand them too, with the same `@engine/source` resolution.
 */
export function startWorkerThread(workerData: unknown): Worker {
  if (import.meta.url.endsWith('.ts')) return startFromSource(workerData);
  const options: WorkerOptions = { workerData };
  // Inherited `--input-type` makes Node refuse to run a file.
  if (process.execArgv.some((flag) => flag.startsWith('--input-type'))) options.execArgv = [];
  return new Worker(new URL('worker.js', import.meta.url), options);
}

function startFromSource(workerData: unknown): Worker {
  const entry = new URL('worker.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(tsxApi())}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}); });`;
  return new Worker(code, {
    eval: true,
    workerData,
    execArgv: ['--conditions=@engine/source'],
    // Decorators of parameters only parse with this package's compiler options.
    env: { ...process.env, TSX_TSCONFIG_PATH: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) },
  });
}

function tsxApi(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('tsx/package.json');
    return new URL('dist/esm/api/index.mjs', pathToFileURL(manifest)).href;
  } catch (cause) {
    throw new EngineError({
      code: 'E_DATA_WORKER_START',
      what: 'Data workers cannot run from TypeScript sources without tsx.',
      fix: 'install tsx, or build the packages and run the compiled ones',
      cause,
    });
  }
}
