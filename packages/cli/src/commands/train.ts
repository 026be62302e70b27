import { EXIT_CODES } from '@engine/core';
import { describeDryRun, dryRun, Runner, validateConfig } from '@engine/runner';
import { parseLine, type Command, type Flag } from '../command.js';
import { CONFIG_FLAGS, configOfLine, runnerOptionsOf } from '../load.js';
import { stopOnSignals } from '../signals.js';
import { summaryLines } from '../summary.js';

const TRAIN_FLAGS = {
  ...CONFIG_FLAGS,
  resume: { type: 'boolean', help: 'continue the newest whole checkpoint of the work dir, if there is one' },
  'load-from': {
    type: 'string',
    value: 'PATH',
    help: 'start from these weights (with --resume: resume this run)',
  },
  'dry-run': {
    type: 'boolean',
    help: 'build everything, try one batch, say what was found, and train nothing',
  },
  'fast-dev-run': {
    type: 'boolean',
    help: 'one batch of training, validation and test; fastDevRun=5 for more',
  },
  'overfit-batches': { type: 'string', value: 'N', help: 'train and validate on the same first N batches' },
} as const satisfies Record<string, Flag>;

async function train(name: string, argv: readonly string[], resume: boolean): Promise<number> {
  const line = parseLine({ name, flags: TRAIN_FLAGS }, argv);
  const config = await configOfLine(name, line);
  const options = runnerOptionsOf(config);
  const loadFrom = line.flags['load-from'];
  if (typeof loadFrom === 'string') options.loadFrom = loadFrom;
  if (resume || line.flags.resume === true) options.resume = true;
  if (line.flags['fast-dev-run'] === true) options.fastDevRun = true;
  const overfit = line.flags['overfit-batches'];
  if (typeof overfit === 'string') options.overfitBatches = Number(overfit);
  await validateConfig(options);
  if (line.flags['dry-run'] === true) {
    for (const text of describeDryRun(await dryRun(options))) process.stdout.write(`${text}\n`);
    return EXIT_CODES.ok;
  }
  const runner = Runner.fromCfg(options);
  const release = stopOnSignals(runner);
  try {
    const outcome = await runner.train();
    await runner.close();
    for (const text of summaryLines(runner, 'val')) process.stdout.write(`${text}\n`);
    return outcome === 'finished' ? EXIT_CODES.ok : EXIT_CODES.preempted;
  } finally {
    release();
  }
}

export const trainCommand: Command = {
  name: 'train',
  usage: '<config> [key=value …] [--resume]',
  help: 'Trains what the config describes.',
  flags: TRAIN_FLAGS,
  run: (argv) => train('train', argv, false),
};

export const resumeCommand: Command = {
  name: 'resume',
  usage: '<config> [key=value …]',
  help: 'Continues the newest whole checkpoint of the work dir: train --resume.',
  flags: TRAIN_FLAGS,
  run: (argv) => train('resume', argv, true),
};
