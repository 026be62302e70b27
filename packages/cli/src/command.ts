import { EngineError, listNames, nearest } from '@engine/core';
import { parseArgs } from 'node:util';

/** A flag of a command. */
export interface Flag {
  type: 'string' | 'boolean';
  /** One line for the help. */
  help: string;
  /** How the value is written in the help, for string flags. */
  value?: string;
}

export interface Command {
  name: string;
  /** Positional part of the usage line. */
  usage: string;
  help: string;
  flags: Readonly<Record<string, Flag>>;
  /** @returns the exit code */
  run(argv: readonly string[]): Promise<number>;
}

/** A command line taken apart: flags by name, the rest in order. */
export interface ParsedLine {
  flags: Record<string, string | boolean | undefined>;
  /** Every value of a string flag, in order, where it was given more than once. */
  repeated: Record<string, string[]>;
  positionals: string[];
}

/**
 * Takes a command line apart.
 * @throws E_CLI_FLAG for a flag that the command does not have, with the nearest one, or for one without its value
 */
export function parseLine(command: Pick<Command, 'name' | 'flags'>, argv: readonly string[]): ParsedLine {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, { type }]) => [name, { type }]),
  );
  const known = Object.keys(options);
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const line: ParsedLine = { flags: {}, repeated: {}, positionals: [] };
  for (const token of tokens) {
    if (token.kind === 'positional') line.positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = command.flags[token.name];
    if (!flag) {
      throw new EngineError({
        code: 'E_CLI_FLAG',
        what: `engine ${command.name} has no flag '${token.rawName}'.`,
        received: token.rawName,
        expected: known.length
          ? `one of ${listNames(
              known.map((name) => `--${name}`),
              12,
            )}`
          : 'no flags',
        didYouMean: wrap(nearest(token.name, known)),
        fix: `see \`engine ${command.name} --help\`; values of the config are set without dashes: optimWrapper.optimizer.lr=0.01`,
        exitCode: 2,
      });
    }
    if (flag.type === 'string' && token.value === undefined) {
      throw new EngineError({
        code: 'E_CLI_FLAG',
        what: `The flag '${token.rawName}' needs a value.`,
        received: token.rawName,
        expected: `${token.rawName} ${flag.value ?? 'VALUE'}`,
        exitCode: 2,
      });
    }
    if (flag.type === 'boolean' && token.value !== undefined) {
      throw new EngineError({
        code: 'E_CLI_FLAG',
        what: `The flag '${token.rawName}' takes no value.`,
        received: `${token.rawName}=${token.value}`,
        expected: `${token.rawName}, or nothing`,
        exitCode: 2,
      });
    }
    if (token.value !== undefined) (line.repeated[token.name] ??= []).push(token.value);
    line.flags[token.name] = flag.type === 'boolean' ? true : token.value;
  }
  return line;
}

export function unknownCommand(name: string, commands: readonly Command[]): EngineError {
  const names = commands.map((command) => command.name);
  return new EngineError({
    code: 'E_CLI_COMMAND',
    what: `engine has no command '${name}'.`,
    received: name,
    expected: `one of ${names.join(', ')}`,
    didYouMean: nearest(name, names),
    fix: 'see `engine help`',
    exitCode: 2,
  });
}

function wrap(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `--${name}`;
}
