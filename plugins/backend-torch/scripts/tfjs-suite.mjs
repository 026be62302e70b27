// Runs tfjs-core's own test suite (its compiled specs are in the npm package) on this backend:
//   node scripts/tfjs-suite.mjs [--filter text] [--update]
// Fails on a failure that tfjs-suite-expected.json does not list, and on a listed one that passes. With --update it
// writes down what fails now, keeping the reasons that are there.
import { build } from 'esbuild';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TorchBackend } from '../dist/index.js';

const { values } = parseArgs({
  options: { filter: { type: 'string', default: '' }, update: { type: 'boolean', default: false } },
});
const require = createRequire(import.meta.url);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const list = join(root, 'scripts', 'tfjs-suite-expected.json');
const bundle = join(root, 'node_modules', '.cache', 'tfjs-suite.cjs');
const specs = dirname(require.resolve('@tensorflow/tfjs-core/package.json'));

/** One file with all specs; the backend is named before any of them is read. */
async function bundleSpecs() {
  mkdirSync(dirname(bundle), { recursive: true });
  const names = JSON.stringify([{ name: 'torch', backendName: 'torch', isDataSync: true }]);
  const first = `import { setTestEnvs } from ${JSON.stringify(join(specs, 'dist', 'jasmine_util.js'))}; setTestEnvs(${names});`;
  await build({
    stdin: {
      contents: `import 'first'; import ${JSON.stringify(join(specs, 'dist', 'tests.js'))};`,
      resolveDir: root,
    },
    plugins: [
      {
        name: 'first',
        setup(api) {
          api.onResolve({ filter: /^first$/ }, () => ({ path: 'first', namespace: 'first' }));
          api.onLoad({ filter: /.*/, namespace: 'first' }, () => ({ contents: first, resolveDir: root }));
        },
      },
    ],
    bundle: true,
    // The package says that its files have no side effects; specs are nothing else.
    ignoreAnnotations: true,
    platform: 'node',
    format: 'cjs',
    outfile: bundle,
    logLevel: 'error',
    external: [
      'jasmine-core',
      'crypto',
      'node-fetch',
      'util',
      'os',
      'fs',
      'string_decoder',
      'worker_threads',
    ],
  });
}

await bundleSpecs();
const jasmineRequire = require('jasmine-core/lib/jasmine-core/jasmine.js');
const jasmine = jasmineRequire.core(jasmineRequire);
const env = jasmine.getEnv({ suppressLoadErrors: true });
Object.assign(globalThis, jasmineRequire.interface(jasmine, env), { jasmine });
env.configure({ random: false, specFilter: (spec) => spec.getFullName().includes(values.filter) });

await new TorchBackend().activate();
require(bundle);

const failures = {};
const counts = { passed: 0, failed: 0, skipped: 0 };
env.addReporter({
  specDone({ fullName, status, failedExpectations }) {
    if (status === 'passed') counts.passed++;
    else if (status === 'failed') {
      counts.failed++;
      failures[fullName] = failedExpectations[0]?.message.split('\n')[0].slice(0, 160) ?? 'failed';
    } else counts.skipped++;
  },
});
// The suite prints a great deal of its own.
const { log, warn } = console;
console.log = console.warn = () => {};
await env.execute();
Object.assign(console, { log, warn });

const expected = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : {};
if (values.update) {
  const names = Object.keys(failures).sort();
  const reasons = Object.fromEntries(names.map((name) => [name, expected[name] ?? failures[name]]));
  writeFileSync(list, `${JSON.stringify(reasons, null, 2)}\n`);
}
const surprises = values.update ? [] : Object.keys(failures).filter((name) => !(name in expected));
for (const name of surprises) console.log(`FAILED  ${name}\n        ${failures[name]}`);
const healed =
  values.update || values.filter ? [] : Object.keys(expected).filter((name) => !(name in failures));
for (const name of healed) console.log(`PASSES, though listed as a failure: ${name}`);
const share = ((100 * counts.passed) / (counts.passed + counts.failed)).toFixed(2);
console.log(
  `${counts.passed} passed, ${counts.failed} failed (${surprises.length} unexpected), ${counts.skipped} do not apply: ${share} %`,
);
process.exit(surprises.length + healed.length > 0 ? 1 : 0);
