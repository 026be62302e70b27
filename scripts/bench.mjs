// npm run bench -- NAME [options]: runs the program bench/NAME; its last line is one JSON object.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { ready } from './lib/ready.mjs';
import { fromRoot } from './lib/root.mjs';
import { main, ScriptError } from './lib/run.mjs';

/** The program of a bench, by name. */
function programs() {
  const found = new Map();
  for (const { name } of readdirSync(fromRoot('bench'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )) {
    const file = ['index.mjs', 'index.ts'].map((entry) => fromRoot('bench', name, entry)).find(existsSync);
    if (file) found.set(name, file);
  }
  return found;
}

await main(async () => {
  const known = programs();
  const [name, ...options] = process.argv.slice(2);
  const list = [...known.keys()].map((each) => `  npm run bench -- ${each}`).join('\n');
  if (name === undefined) {
    console.log(`Benches:\n${list}`);
    return 0;
  }
  if (!known.has(name)) {
    await ready();
    const { nearest } = await import('../packages/core/dist/index.js');
    const near = nearest(name, known.keys());
    throw new ScriptError(`There is no bench '${name}'.${near ? ` Did you mean '${near}'?` : ''}\n${list}`);
  }
  await ready();
  const file = known.get(name);
  const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...loader, file, ...options], { stdio: 'inherit', cwd: fromRoot() });
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
});
