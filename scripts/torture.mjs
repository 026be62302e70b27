// npm run torture [-- --every N --first N --moments N --minutes N]: kills training processes at every write of a checkpoint and at random
// moments, resumes each, and compares the final weights with an undisturbed run's, bit for bit. The last line is
// `N kills, N differences`.
import { spawn } from 'node:child_process';
import { ready } from './lib/ready.mjs';
import { fromRoot } from './lib/root.mjs';
import { main } from './lib/run.mjs';

await main(async () => {
  await ready();
  const file = fromRoot('tests', 'e2e', 'torture-main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...process.argv.slice(2)], {
    stdio: 'inherit',
    cwd: fromRoot(),
  });
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
});
