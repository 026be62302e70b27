import { importModule } from '@engine/core';

/** Imports a module that registers parts, in a worker thread: an absolute URL or path, or a package name. */
export async function importWorkerModule(module: string): Promise<void> {
  // A thread that runs from TypeScript sources understands them by itself, and shares its modules only that way.
  if (import.meta.url.endsWith('.ts') && /^(file:|\/)/.test(module)) await import(/* @vite-ignore */ module);
  else await importModule(module, process.cwd());
}
