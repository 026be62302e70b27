// npm run quickstart [-- engine train options]: from a fresh clone to a network that learns.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ready } from './lib/ready.mjs';
import { fromRoot } from './lib/root.mjs';
import { main, ScriptError } from './lib/run.mjs';

const CONFIG = 'apps/examples/cifar10/resnet20.config.ts';

await main(async () => {
  await ready();
  const bin = fromRoot('packages', 'cli', 'dist', 'bin.js');
  for (const file of [bin, fromRoot(CONFIG)]) {
    if (!existsSync(file))
      throw new ScriptError(`${file} is missing: run \`npm run clean\`, then this again.`);
  }
  // In this process, not in a child: a signal then reaches the training directly and once.
  process.chdir(fromRoot());
  process.argv = [process.argv[0], bin, 'train', CONFIG, ...process.argv.slice(2)];
  await import(pathToFileURL(bin).href);
  return process.exitCode;
});
