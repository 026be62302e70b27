/** Imports a module that registers parts, in a worker thread. */
export async function importWorkerModule(module: string): Promise<void> {
  await import(module);
}
