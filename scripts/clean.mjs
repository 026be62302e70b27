// npm run clean: removes what builds made; with --all also node_modules and the fetched tools.
import { readdirSync, rmSync } from 'node:fs';
import { fromRoot } from './lib/root.mjs';
import { main } from './lib/run.mjs';

await main(() => {
  const all = process.argv.includes('--all');
  const remove = (...parts) => rmSync(fromRoot(...parts), { recursive: true, force: true });
  for (const folder of ['packages', 'plugins', 'apps']) {
    for (const name of readdirSync(fromRoot(folder))) {
      for (const made of ['dist', '.turbo', ...(all ? ['node_modules'] : [])]) remove(folder, name, made);
    }
  }
  for (const made of ['.turbo', '.cache', ...(all ? ['.tools', 'node_modules'] : [])]) remove(made);
});
