// One start, in a process of its own: node start.mjs CONFIG. Prints milliseconds since the process began, as JSON.
const at = { node: performance.now() };
const { Runner } = await import('@engine/runner');
at.imported = performance.now();
const { loadConfig } = await import('@engine/core');
const config = await loadConfig(process.argv[2]);
at.config = performance.now();
const runner = new Runner({ ...config.values, cfg: config });
at.runner = performance.now();
await runner.prepare();
at.prepared = performance.now();
await runner.close();
console.log(JSON.stringify(at));
process.exit(0);
