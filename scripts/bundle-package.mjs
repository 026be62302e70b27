// Run by `prepack` in a package's folder: makes lib/ of its compiled dist/, with all modules in one file. Node takes
// most of a millisecond for every module that it imports, and the engine has hundreds; see bench/startup.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { main, ScriptError } from './lib/run.mjs';

/** How a thread is started: with the module of that name beside the one that starts it. */
const THREAD = /\bstartModuleThread\(import\.meta\.url, '([\w-]+)'/g;

/** The compiled modules that become files of their own. */
function entryPoints({ exports = {}, bin = {} }) {
  const offered = [...Object.values(exports).map((entry) => entry.default), ...Object.values(bin)];
  const named = offered.filter((file) => file?.startsWith('./dist/')).map((file) => file.slice(2));
  const compiled = readdirSync('dist', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  );
  const threads = compiled.flatMap((file) =>
    [...readFileSync(join('dist', file), 'utf8').matchAll(THREAD)].map(([, name]) =>
      join('dist', dirname(file), `${name}.js`),
    ),
  );
  return [...named, ...threads];
}

/** What the published package.json must say, so that the bundle is what is imported. */
function check({ name, publishConfig = {} }, made) {
  const wanted = [
    ...Object.values(publishConfig.exports ?? {}).map((entry) => entry.default),
    ...Object.values(publishConfig.bin ?? {}),
  ].filter(Boolean);
  const missing = wanted.filter((file) => !made.includes(file.replace('./', '')));
  if (wanted.length > 0 && missing.length === 0) return;
  throw new ScriptError(
    `publishConfig of ${name} must name bundled files; it names ${missing.join(', ') || 'none'}.`,
  );
}

/** What lies outside dist/ stays where it is: CommonJS of vendor/, tables. */
const outside = {
  name: 'outside',
  setup: (bundler) =>
    bundler.onResolve({ filter: /^\.\.\// }, ({ path, resolveDir }) => {
      const file = resolve(resolveDir, path);
      if (!relative(resolve('dist'), file).startsWith('..')) return undefined;
      return { external: true, path: relative(resolve('lib'), file).replaceAll('\\', '/') };
    }),
};

await main(async () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  rmSync('lib', { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: entryPoints(manifest),
    outdir: 'lib',
    // Side by side, for a thread's module is looked for beside the one that starts it.
    entryNames: '[name]',
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    plugins: [outside],
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    // Registered classes are known by their names, also where two files have one of the same name.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  });
  check(
    manifest,
    Object.keys(metafile.outputs).map((file) => relative('.', file)),
  );
  return 0;
});
