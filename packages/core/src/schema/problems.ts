import { EngineError, type ErrorParts } from '../errors.js';

/** All that is wrong with a config, as one error; `problems` has each of them. */
export class ConfigProblems extends EngineError {
  readonly problems: readonly EngineError[];

  constructor(problems: readonly EngineError[], file?: string) {
    const parts: ErrorParts = {
      code: 'E_CONFIG_PROBLEMS',
      what: `${file === undefined ? 'The config' : `The config ${file}`} has ${problems.length} problems.`,
      received: problems.map((one) => one.code).join(', '),
      exitCode: 2,
    };
    super(parts);
    this.problems = problems;
    this.message = [...problems.map((one) => one.message), this.message].join('\n\n');
  }
}

/** Throws the one problem that there is, or all of them in one error; nothing when there are none. */
export function throwProblems(problems: readonly EngineError[], file?: string): void {
  if (problems.length === 1) throw problems[0]!;
  if (problems.length > 1) throw new ConfigProblems(problems, file);
}
