import { EngineError, EXIT_CODES, nearest, show, type Config } from '@engine/core';
import { parseLine, type Command, type Flag } from '../command.js';
import { CONFIG_FLAGS, configOfLine } from '../load.js';

const FLAGS = {
  ...CONFIG_FLAGS,
  format: { type: 'string', value: 'yaml|json|ts', help: 'how to print; yaml unless said' },
} as const satisfies Record<string, Flag>;

const ACTIONS = ['print', 'explain'];
const FORMATS = ['yaml', 'json', 'ts'] as const;

async function run(argv: readonly string[]): Promise<number> {
  const [action, ...rest] = argv;
  if (action === undefined || !ACTIONS.includes(action)) {
    throw new EngineError({
      code: 'E_CLI_COMMAND',
      what: 'engine config does one of two things.',
      received: action ?? 'nothing',
      expected:
        'engine config print <config> [key=value …], or engine config explain <config> [path] [key=value …]',
      didYouMean: action === undefined ? undefined : nearest(action, ACTIONS),
      exitCode: 2,
    });
  }
  const line = parseLine({ name: `config ${action}`, flags: FLAGS }, rest);
  const path = action === 'explain' ? takePath(line.positionals) : '';
  const config = await configOfLine(`config ${action}`, line);
  if (action === 'explain') process.stdout.write(`${explain(config, path)}\n`);
  else {
    const format = line.flags.format ?? 'yaml';
    if (!FORMATS.includes(format as never)) {
      throw new EngineError({
        code: 'E_CLI_FLAG',
        what: 'A config is printed as yaml, json or ts.',
        received: `--format ${show(format)}`,
        expected: FORMATS.join(', '),
        didYouMean: nearest(String(format), FORMATS),
        exitCode: 2,
      });
    }
    process.stdout.write(`${config.dump(format as 'yaml').trimEnd()}\n`);
  }
  return EXIT_CODES.ok;
}

/** The path to explain is the first word after the file that is no override; all of the config without one. */
function takePath(positionals: string[]): string {
  const at = positionals.findIndex((word, i) => i > 0 && !word.includes('='));
  return at < 0 ? '' : positionals.splice(at, 1)[0]!;
}

export const configCommand: Command = {
  name: 'config',
  usage: 'print|explain <config> [path] [key=value …]',
  help: 'Prints the resolved config, or says which file and line, or override, set each value.',
  flags: FLAGS,
  run,
};

/** One value's chain of sources; without a path those of every top-level key. */
function explain(config: Config, path: string): string {
  if (path !== '') return config.explain(path);
  return Object.keys(config.values)
    .map((key) => config.explain(key))
    .join('\n');
}
