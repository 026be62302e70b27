import { cancel, intro, isCancel, outro, select, text } from '@clack/prompts';
import { EngineError, isEngineError, nearest } from '@engine/core';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createProject, TEMPLATES } from './project.js';

const FLAGS = {
  template: { type: 'string', short: 't' },
  name: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const HELP = `npm create @engine [folder] -- [--template NAME] [--name PACKAGE]

templates:
${Object.entries(TEMPLATES)
  .map(([name, help]) => `  ${name.padEnd(9)} ${help}`)
  .join('\n')}

Without a folder or a template it asks, where there is somebody to ask.
`;

interface Answers {
  folder: string | undefined;
  template: string | undefined;
  name?: string | undefined;
}

/** @throws E_CREATE_FLAG for an unknown flag or a second folder */
function parse(argv: readonly string[]): Answers & { help: boolean } {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: FLAGS, allowPositionals: true });
    if (positionals.length > 1) throw new Error(`more than one folder: ${positionals.join(', ')}`);
    return {
      folder: positionals[0],
      template: values.template,
      name: values.name,
      help: values.help === true,
    };
  } catch (cause) {
    const flags = Object.keys(FLAGS).map((flag) => `--${flag}`);
    const wrong = argv.find((word) => word.startsWith('-') && !flags.includes(word.split('=')[0]!));
    throw new EngineError({
      code: 'E_CREATE_FLAG',
      what: 'This command line cannot be understood.',
      received: wrong ?? (cause as Error).message.split('\n')[0],
      expected: `a folder, and ${flags.join(', ')}`,
      didYouMean: wrong === undefined ? undefined : nearest(wrong.split('=')[0]!, flags),
      cause,
      exitCode: 2,
    });
  }
}

/** Asks for what the command line did not say. @returns undefined when it was broken off */
async function ask(given: Answers): Promise<{ folder: string; template: string } | undefined> {
  const { folder, template } = given;
  if (folder !== undefined && template !== undefined) return { folder, template };
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new EngineError({
      code: 'E_CREATE_ANSWER',
      what: `No ${folder === undefined ? 'folder' : 'template'} was given, and there is nobody to ask.`,
      received: 'an input or output that is no terminal',
      expected: `one of the templates ${Object.keys(TEMPLATES).join(', ')}, and a folder`,
      fix: 'npm create @engine my-run -- --template minimal',
      exitCode: 2,
    });
  }
  intro('A project for the engine');
  const where =
    folder ?? (await text({ message: 'Which folder?', defaultValue: 'my-run', placeholder: 'my-run' }));
  if (isCancel(where)) return undefined;
  const options = Object.entries(TEMPLATES).map(([value, hint]) => ({ value, label: value, hint }));
  const which = template ?? (await select({ message: 'Which template?', options }));
  return isCancel(which) ? undefined : { folder: where, template: which };
}

/**
 * Runs `create-engine`.
 * @param argv what stands after it on the command line
 * @returns the exit code: 0 done, 1 broken off or failed, 2 a mistake in what was asked for
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const given = parse(argv);
    if (given.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const answers = await ask(given);
    if (!answers) {
      cancel('Nothing was made.');
      return 1;
    }
    createProject({ ...answers, name: given.name });
    const next = answers.template === 'plugin' ? 'npm test' : 'npm run train';
    const lines = [`cd ${relative(process.cwd(), resolve(answers.folder)) || '.'}`, 'npm install', next];
    if (process.stdout.isTTY) outro(`Made. Now:  ${lines.join('  &&  ')}`);
    else process.stdout.write(`${lines.join('\n')}\n`);
    return 0;
  } catch (error) {
    if (!isEngineError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}
