import {
  Config,
  discoverPlugins,
  EngineError,
  EXIT_CODES,
  importModule,
  jsonSchema,
  nearest,
  show,
} from '@engine/core';
import { validateConfig } from '@engine/runner';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseLine, type Command, type Flag, type ParsedLine } from '../command.js';
import { CONFIG_FLAGS, configOfLine, runnerOptionsOf } from '../load.js';

const FLAGS = {
  ...CONFIG_FLAGS,
  format: { type: 'string', value: 'yaml|json|ts', help: 'how to print; yaml unless said' },
  out: {
    type: 'string',
    value: 'FILE',
    help: 'write to a file (dump, schema); its extension says the format',
  },
  plugin: {
    type: 'string',
    value: 'PACKAGE',
    help: 'schema: add the parts of a package that is not installed here; may be repeated',
  },
} as const satisfies Record<string, Flag>;

const FORMATS = ['yaml', 'json', 'ts'] as const;

/** What `engine config ACTION` does, by action. */
const ACTIONS: Readonly<Record<string, (line: ParsedLine, name: string) => Promise<number>>> = {
  print: async (line, name) => {
    process.stdout.write(`${(await configOfLine(name, line)).dump(formatOf(line)).trimEnd()}\n`);
    return EXIT_CODES.ok;
  },
  explain: async (line, name) => {
    const path = takeWord(line.positionals);
    const config = await configOfLine(name, line);
    // Without a path: the sources of every top-level key.
    const paths = path === undefined ? Object.keys(config.values) : [path];
    process.stdout.write(`${paths.map((one) => config.explain(one)).join('\n')}\n`);
    return EXIT_CODES.ok;
  },
  diff: async (line, name) => {
    const other = takeWord(line.positionals);
    if (other === undefined) {
      throw new EngineError({
        code: 'E_CLI_CONFIG',
        what: `engine ${name} needs two config files.`,
        received: line.positionals[0] ?? 'no file',
        expected: `engine ${name} <config> <config> [key=value …]; overrides apply to both`,
        exitCode: 2,
      });
    }
    const [, ...overrides] = line.positionals;
    const before = await configOfLine(name, line);
    const after = await configOfLine(name, { ...line, positionals: [other, ...overrides] });
    const text = Config.diff(before, after);
    process.stdout.write(process.stdout.isTTY ? colour(text) : text);
    return text === '' ? EXIT_CODES.ok : EXIT_CODES.failure;
  },
  validate: async (line, name) => {
    const config = await configOfLine(name, line);
    await validateConfig(runnerOptionsOf(config));
    process.stdout.write(`${line.positionals[0]} is a config that can be built.\n`);
    return EXIT_CODES.ok;
  },
  dump: async (line, name) => {
    const config = await configOfLine(name, line);
    const { out } = line.flags;
    if (typeof out === 'string') config.dumpTo(out);
    else process.stdout.write(config.dump(formatOf(line)));
    return EXIT_CODES.ok;
  },
  schema: async (line) => {
    discoverPlugins(process.cwd());
    for (const name of line.repeated.plugin ?? []) await importModule(name, process.cwd());
    const leaveOut = (error: EngineError): void => void process.stderr.write(`${error.message}\n`);
    const text = `${JSON.stringify(jsonSchema(leaveOut), null, 2)}\n`;
    const { out } = line.flags;
    if (typeof out === 'string') {
      mkdirSync(dirname(resolve(out)), { recursive: true });
      writeFileSync(out, text);
    } else process.stdout.write(text);
    return EXIT_CODES.ok;
  },
};

async function run(argv: readonly string[]): Promise<number> {
  const [action, ...rest] = argv;
  const names = Object.keys(ACTIONS);
  if (action === undefined || !names.includes(action)) {
    throw new EngineError({
      code: 'E_CLI_COMMAND',
      what: 'engine config needs to know what to do.',
      received: action ?? 'nothing',
      expected: `one of ${names.join(', ')}: engine config print <config> [key=value …]`,
      didYouMean: action === undefined ? undefined : nearest(action, names),
      exitCode: 2,
    });
  }
  const name = `config ${action}`;
  return ACTIONS[action]!(parseLine({ name, flags: FLAGS }, rest), name);
}

function formatOf(line: ParsedLine): (typeof FORMATS)[number] {
  const format = line.flags.format ?? 'yaml';
  const known = FORMATS.find((one) => one === format);
  if (known) return known;
  throw new EngineError({
    code: 'E_CLI_FLAG',
    what: 'A config is printed as yaml, json or ts.',
    received: `--format ${show(format)}`,
    expected: FORMATS.join(', '),
    didYouMean: nearest(String(format), FORMATS),
    exitCode: 2,
  });
}

/** Takes the first word after the file that is no override. */
function takeWord(positionals: string[]): string | undefined {
  const at = positionals.findIndex((word, i) => i > 0 && !word.includes('='));
  return at < 0 ? undefined : positionals.splice(at, 1)[0];
}

/** Removed lines red, added ones green. */
function colour(diff: string): string {
  return diff.replace(
    /^([-+]).*$/gm,
    (line, mark: string) => `\x1b[${mark === '-' ? 31 : 32}m${line}\x1b[0m`,
  );
}

export const configCommand: Command = {
  name: 'config',
  usage: 'print|explain|diff|validate|dump|schema <config> [path | config] [key=value …]',
  help: 'Prints, explains, compares, checks or writes a resolved config; schema writes the JSON Schema of configs.',
  flags: FLAGS,
  run,
};
