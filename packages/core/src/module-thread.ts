import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { EngineError } from './errors.js';

/**
 * Starts a thread that runs a module of a package. Where the package itself runs from its TypeScript sources (its own
 * tests, scripts of this repository), tsx makes the thread understand them too, with the same `@engine/source`
 * resolution.
 * @param caller `import.meta.url` of the module that asks
 * @param name the thread's module beside it, without extension: `worker`
 * @throws E_THREAD_SOURCE when a package runs from its sources and tsx is not installed
 */
export function startModuleThread(caller: string, name: string, workerData: unknown): Worker {
  if (caller.endsWith('.ts')) return startFromSource(new URL(`${name}.ts`, caller), workerData);
  const options: WorkerOptions = { workerData };
  // Inherited `--input-type` makes Node refuse to run a file.
  if (process.execArgv.some((flag) => flag.startsWith('--input-type'))) options.execArgv = [];
  return new Worker(new URL(`${name}.js`, caller), options);
}

function startFromSource(entry: URL, workerData: unknown): Worker {
  const code = `import(${JSON.stringify(tsxApi())}).then(({ register }) => { register(); return import(${JSON.stringify(entry.href)}); });`;
  const [root] = entry.href.split('/src/');
  return new Worker(code, {
    eval: true,
    workerData,
    execArgv: ['--conditions=@engine/source'],
    // Decorators of parameters only parse with the package's compiler options.
    env: { ...process.env, TSX_TSCONFIG_PATH: fileURLToPath(`${root}/tsconfig.json`) },
  });
}

function tsxApi(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('tsx/package.json');
    return new URL('dist/esm/api/index.mjs', pathToFileURL(manifest)).href;
  } catch (cause) {
    throw new EngineError({
      code: 'E_THREAD_SOURCE',
      what: 'Threads cannot run from TypeScript sources without tsx.',
      fix: 'install tsx, or build the packages and run the compiled ones',
      cause,
    });
  }
}
