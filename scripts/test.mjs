// npm test: check, unit, golden and end-to-end tests. The last line is `N passed, N failed`.
// npm run test:unit | test:golden | test:e2e [-- vitest's own arguments]: one of them.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { runChecks } from './check.mjs';
import { tool } from './lib/install.mjs';
import { ready } from './lib/ready.mjs';
import { fromRoot } from './lib/root.mjs';
import { main, ScriptError } from './lib/run.mjs';

const PROJECTS = ['unit', 'golden', 'e2e'];

/** What one vitest run counted; a file that cannot be loaded and an error outside any test count as failures. */
function count(report, code) {
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(report, 'utf8'));
  const unloaded = result.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = result.numFailedTests + unloaded.length;
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests + (result.numTodoTests ?? 0),
  };
}

async function vitest(project, extra = []) {
  console.log(`\n── ${project} ──`);
  const report = fromRoot('.cache', `vitest-${project}.json`);
  mkdirSync(fromRoot('.cache'), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code } = await tool('vitest', ['run', '--project', project, ...reporters, ...extra]);
  return count(report, code);
}

await main(async () => {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  try {
    const [only, ...extra] = process.argv.slice(2);
    if (only !== undefined && !PROJECTS.includes(only))
      throw new ScriptError(`Tests are: ${PROJECTS.join(', ')}.`);
    await ready();
    const parts = [];
    if (only === undefined) {
      console.log('\n── check ──');
      parts.push(await runChecks());
    }
    for (const project of only === undefined ? PROJECTS : [only]) parts.push(await vitest(project, extra));
    for (const part of parts) {
      sum.passed += part.passed;
      sum.failed += part.failed;
      sum.skipped += part.skipped ?? 0;
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    sum.failed += 1;
  }
  if (sum.skipped > 0) console.log(`\n${sum.skipped} skipped, each named above`);
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
  return sum.failed > 0 ? 1 : 0;
});
