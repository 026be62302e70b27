import { isEngineError, EXIT_CODES } from '@engine/core';
import { configCommand } from './commands/config.js';
import { doctorCommand } from './commands/doctor.js';
import { envCommand } from './commands/env.js';
import { inspectCommand } from './commands/inspect.js';
import { resumeCommand, trainCommand } from './commands/train.js';
import { evalCommand } from './commands/eval.js';
import { testCommand, valCommand } from './commands/evaluate.js';
import { unknownCommand, type Command } from './command.js';
import { printHelp } from './help.js';

/** Every command of `engine`, in the order of its help. */
export const COMMANDS: readonly Command[] = [
  trainCommand,
  resumeCommand,
  valCommand,
  testCommand,
  evalCommand,
  configCommand,
  inspectCommand,
  envCommand,
  doctorCommand,
];

/**
 * Runs the `engine` command.
 * @param argv what stands after `engine` on the command line
 * @returns the exit code, see EXIT_CODES in @engine/core
 */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    printHelp(COMMANDS);
    return name === undefined ? EXIT_CODES.badConfig : EXIT_CODES.ok;
  }
  try {
    const command = COMMANDS.find((one) => one.name === name);
    if (!command) throw unknownCommand(name, COMMANDS);
    if (rest.includes('--help') || rest.includes('-h')) {
      printHelp([command]);
      return EXIT_CODES.ok;
    }
    return await command.run(rest);
  } catch (error) {
    if (isEngineError(error)) {
      process.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT_CODES.failure;
  }
}
