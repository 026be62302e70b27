import { EXIT_CODES } from '@engine/core';
import { Runner, withTTA, type RunnerOptions } from '@engine/runner';
import { parseLine, type Command, type Flag } from '../command.js';
import { CONFIG_FLAGS, configOfLine, runnerOptionsOf } from '../load.js';
import { stopOnSignals } from '../signals.js';
import { summaryLines } from '../summary.js';

const FLAGS = {
  ...CONFIG_FLAGS,
  'load-from': {
    type: 'string',
    value: 'PATH',
    help: 'checkpoint folder, work dir or .safetensors file to evaluate',
  },
  out: { type: 'string', value: 'FILE', help: 'write all predictions to this .json file, for `engine eval`' },
} as const satisfies Record<string, Flag>;

const TEST_FLAGS = {
  ...FLAGS,
  tta: { type: 'boolean', help: 'with test-time augmentation: ttaModel and ttaPipeline of the config' },
} as const satisfies Record<string, Flag>;

/** Without --load-from the newest whole checkpoint of the work dir is evaluated. */
async function evaluate(mode: 'val' | 'test', argv: readonly string[]): Promise<number> {
  const line = parseLine({ name: mode, flags: mode === 'test' ? TEST_FLAGS : FLAGS }, argv);
  let options = runnerOptionsOf(await configOfLine(mode, line));
  const { 'load-from': loadFrom, out, tta } = line.flags;
  if (typeof loadFrom === 'string') options.loadFrom = loadFrom;
  else if (options.loadFrom === undefined) options.resume = true;
  if (typeof out === 'string') options = withDump(options, mode, out);
  if (tta === true) options = withTTA(options);
  const runner = Runner.fromCfg(options);
  const release = stopOnSignals(runner);
  try {
    await runner[mode]();
    await runner.close();
    for (const text of summaryLines(runner, mode)) process.stdout.write(`${text}\n`);
    // An evaluation has nothing to save, so nothing to resume: it ends as any program that a signal ends.
    if (runner.stopReason === 'SIGINT') return EXIT_CODES.interrupted;
    return runner.stopReason ? EXIT_CODES.terminated : EXIT_CODES.ok;
  } finally {
    release();
  }
}

/** Adds a metric that writes the predictions down. */
function withDump(options: RunnerOptions, mode: 'val' | 'test', file: string): RunnerOptions {
  const key = `${mode}Evaluator` as const;
  const given = options[key];
  const dump = { type: 'DumpResults', outFilePath: file };
  if (given === undefined) return options;
  const whole = typeof given === 'object' && 'metrics' in given ? (given as { metrics: unknown }) : undefined;
  const changed = whole ? { ...whole, metrics: [whole.metrics, dump].flat() } : [given, dump].flat();
  return { ...options, [key]: changed as never };
}

export const testCommand: Command = {
  name: 'test',
  usage: '<config> [key=value …] [--load-from PATH]',
  help: 'Tests a checkpoint with what the config describes.',
  flags: TEST_FLAGS,
  run: (argv) => evaluate('test', argv),
};

export const valCommand: Command = {
  name: 'val',
  usage: '<config> [key=value …] [--load-from PATH]',
  help: 'Validates a checkpoint with what the config describes.',
  flags: FLAGS,
  run: (argv) => evaluate('val', argv),
};
