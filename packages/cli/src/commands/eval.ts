import { EngineError, EXIT_CODES } from '@engine/core';
import { evaluateOffline } from '@engine/runner';
import { parseLine, type Command, type Flag } from '../command.js';
import { CONFIG_FLAGS, configOfLine, runnerOptionsOf } from '../load.js';

const FLAGS = {
  ...CONFIG_FLAGS,
  results: {
    type: 'string',
    value: 'FILE',
    help: 'predictions, as `engine test --out FILE` or the metric DumpResults wrote them',
  },
} as const satisfies Record<string, Flag>;

async function run(argv: readonly string[]): Promise<number> {
  const line = parseLine({ name: 'eval', flags: FLAGS }, argv);
  const file = line.flags.results;
  const options = runnerOptionsOf(await configOfLine('eval', line));
  if (typeof file !== 'string') {
    throw new EngineError({
      code: 'E_CLI_FLAG',
      what: 'engine eval needs the file of predictions.',
      received: 'no --results',
      expected: '--results FILE',
      fix: 'write one with `engine test <config> --out results.json`',
      exitCode: 2,
    });
  }
  for (const [name, value] of Object.entries(await evaluateOffline(options, file))) {
    process.stdout.write(
      `test ${name}: ${typeof value === 'number' ? value.toFixed(4) : JSON.stringify(value)}\n`,
    );
  }
  return EXIT_CODES.ok;
}

export const evalCommand: Command = {
  name: 'eval',
  usage: '<config> [key=value …] --results FILE',
  help: 'Computes the metrics of testEvaluator from predictions that were written before.',
  flags: FLAGS,
  run,
};
