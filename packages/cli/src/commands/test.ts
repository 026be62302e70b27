import { EXIT_CODES } from '@engine/core';
import { Runner } from '@engine/runner';
import { parseLine, type Command, type Flag } from '../command.js';
import { CONFIG_FLAGS, configOfLine, runnerOptionsOf } from '../load.js';
import { stopOnSignals } from '../signals.js';
import { summaryLines } from '../summary.js';

const TEST_FLAGS = {
  ...CONFIG_FLAGS,
  'load-from': {
    type: 'string',
    value: 'PATH',
    help: 'checkpoint folder, work dir or .safetensors file to test',
  },
} as const satisfies Record<string, Flag>;

/** Without --load-from the newest whole checkpoint of the work dir is tested. */
async function test(argv: readonly string[]): Promise<number> {
  const line = parseLine({ name: 'test', flags: TEST_FLAGS }, argv);
  const options = runnerOptionsOf(await configOfLine('test', line));
  const loadFrom = line.flags['load-from'];
  if (typeof loadFrom === 'string') options.loadFrom = loadFrom;
  else if (options.loadFrom === undefined) options.resume = true;
  const runner = Runner.fromCfg(options);
  const release = stopOnSignals(runner);
  try {
    await runner.test();
    await runner.close();
    for (const text of summaryLines(runner, 'test')) process.stdout.write(`${text}\n`);
    // A test has nothing to save, so nothing to resume: it ends as any program that a signal ends.
    if (runner.stopReason === 'SIGINT') return EXIT_CODES.interrupted;
    return runner.stopReason ? EXIT_CODES.terminated : EXIT_CODES.ok;
  } finally {
    release();
  }
}

export const testCommand: Command = {
  name: 'test',
  usage: '<config> [key=value …] [--load-from PATH]',
  help: 'Tests a checkpoint with what the config describes.',
  flags: TEST_FLAGS,
  run: test,
};
