// node scripts/pack.mjs FOLDER: packs every package as it would be published. Prints one JSON object, name → tarball.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pnpm } from './lib/pnpm.mjs';
import { fromRoot } from './lib/root.mjs';
import { main, ScriptError } from './lib/run.mjs';

/** package.json of every package that is published. */
function published() {
  return ['packages', 'plugins'].flatMap((kind) =>
    readdirSync(fromRoot(kind), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => JSON.parse(readFileSync(fromRoot(kind, name, 'package.json'), 'utf8')))
      .filter((manifest) => !manifest.private),
  );
}

await main(async () => {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new ScriptError('Which folder shall the tarballs go to?');
  const target = resolve(folder);
  mkdirSync(target, { recursive: true });
  const filters = ['--filter', './packages/*', '--filter', './plugins/*'];
  const { code, output } = await pnpm(['--recursive', ...filters, 'pack', '--pack-destination', target], {
    capture: true,
    cwd: fromRoot(),
  });
  if (code !== 0) throw new ScriptError(`${output}\nThe packages could not be packed.`);
  const files = published().map(({ name, version }) => [
    name,
    join(target, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`),
  ]);
  console.log(JSON.stringify(Object.fromEntries(files)));
  return 0;
});
