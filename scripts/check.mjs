// npm run check: everything that can be said about the repository without running it. One line per step.
import { mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { turbo } from './lib/build.mjs';
import { tool } from './lib/install.mjs';
import { ready } from './lib/ready.mjs';
import { fromRoot } from './lib/root.mjs';
import { main, run, seconds } from './lib/run.mjs';

const SOURCES = ['packages', 'plugins', 'apps', 'tests', 'bench'];

/** Steps by name, slowest first, so that two at a time end together. */
const STEPS = {
  types: () => tool('tsc', ['-p', 'tsconfig.json', '--noEmit', '--pretty', 'false'], { capture: true }),
  eslint: () => tool('eslint', ['--no-warn-ignored', '--max-warnings=0', '.'], { capture: true }),
  packages: () => turbo('check:package', { capture: true }),
  dependencies: () =>
    tool(
      'depcruise',
      ['--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', 'packages', 'plugins', 'apps'],
      {
        capture: true,
      },
    ),
  knip: () => tool('knip', ['--no-progress', '--no-config-hints'], { capture: true }),
  format: () =>
    tool('prettier', ['--check', '--log-level=warn', '--cache', '--cache-location=.cache/prettier', '.'], {
      capture: true,
    }),
  generated: () => script('gen-errors.mjs', '--check'),
  manifests: () => script('gen-manifests.mjs', '--check'),
  registrations: () => script('gen-tfjs-registrations.mjs', '--check'),
  schemas: () => script('gen-schemas.mjs', '--check'),
  oxlint: () => tool('oxlint', ['--deny-warnings', ...SOURCES, 'scripts'], { capture: true }),
  house: () => script('check-house.mjs'),
  sherif: () => tool('sherif', [], { capture: true }),
};

function script(name, ...args) {
  return run(process.execPath, [fromRoot('scripts', name), ...args], { capture: true });
}

async function step(name) {
  const start = performance.now();
  const { code, output } = await STEPS[name]();
  if (code === 0) console.log(`ok      ${name} ${seconds(start)}`);
  else console.log(`${output.trimEnd()}\nFAILED  ${name} ${seconds(start)} (exit code ${code})`);
  return code === 0;
}

/** Runs the named steps (all unless said), two at a time, all of them even when one fails. */
export async function runChecks(names = Object.keys(STEPS)) {
  mkdirSync(fromRoot('.cache'), { recursive: true });
  const waiting = [...names];
  const result = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if (await step(name)) result.passed++;
      else result.failed++;
    }
  };
  await Promise.all([worker(), worker()]);
  return result;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const names = process.argv.slice(2);
    const unknown = names.find((name) => !(name in STEPS));
    if (unknown !== undefined) {
      console.error(`There is no check '${unknown}'. Checks: ${Object.keys(STEPS).join(', ')}`);
      return 2;
    }
    await ready();
    const { passed, failed } = await runChecks(names.length > 0 ? names : undefined);
    console.log(`${passed} checks passed, ${failed} failed`);
    return failed > 0 ? 1 : 0;
  });
}
