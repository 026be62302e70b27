import { EngineError, nearest } from '@engine/core';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What each template is, for the help and the prompt. */
export const TEMPLATES = {
  minimal: 'a model and a dataset of your own; trains in seconds',
  vision: 'ResNet on CIFAR-10 from a config',
  plugin: 'a package that adds parts to the engine, with tests',
} as const;

export type TemplateName = keyof typeof TEMPLATES;

export interface ProjectOptions {
  /** Folder to make the project in; must be empty or not there. */
  folder: string;
  /** One of {@link TEMPLATES}. */
  template: string;
  /** Name of the package; the folder's unless said. */
  name?: string | undefined;
}

const FOLDER = fileURLToPath(new URL('../templates/', import.meta.url));
const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/** What npm accepts as a name: lower case, one scope at most. */
const NAME = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/;

function checkTemplate(template: string): void {
  if (Object.hasOwn(TEMPLATES, template)) return;
  const names = Object.keys(TEMPLATES);
  throw new EngineError({
    code: 'E_CREATE_TEMPLATE',
    what: `There is no template '${template}'.`,
    received: template,
    expected: `one of ${names.join(', ')}`,
    didYouMean: nearest(template, names),
    exitCode: 2,
  });
}

/** @throws E_CREATE_NAME for what npm would not take as a package's name */
export function checkName(name: string): void {
  if (NAME.test(name) && name.length <= 214) return;
  const proposal = name
    .toLowerCase()
    .replace(/[^a-z0-9-._~]+/g, '-')
    .replace(/^[-._]+|-+$/g, '');
  throw new EngineError({
    code: 'E_CREATE_NAME',
    what: 'A package cannot be called that.',
    received: `'${name}'`,
    expected: "lower-case letters, digits, '-', '.' and '_', such as my-run or @me/my-run",
    fix: proposal ? `--name ${proposal}` : 'give a name with --name',
    exitCode: 2,
  });
}

/** @throws E_CREATE_FOLDER for a folder that has anything in it but git's own */
export function checkFolder(folder: string): void {
  if (!existsSync(folder)) return;
  const found = readdirSync(folder).filter((name) => name !== '.git');
  if (found.length === 0) return;
  throw new EngineError({
    code: 'E_CREATE_FOLDER',
    what: 'The folder is not empty, and nothing in it may be overwritten.',
    received: `${folder} with ${found.slice(0, 4).join(', ')}${found.length > 4 ? ', …' : ''}`,
    expected: 'an empty folder, or one that is not there',
    fix: 'name another folder, or empty this one',
    exitCode: 2,
  });
}

/**
 * Files whose names in a template are not those in a project: npm leaves one out of a package, and takes the other for a
 * package inside it.
 */
const NAMES: Readonly<Record<string, string>> = {
  gitignore: '.gitignore',
  'package.json.template': 'package.json',
};

/** The files that a template makes, relative to the project. */
function templateFiles(template: string): string[] {
  const folder = join(FOLDER, template);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .map((file) => NAMES[file] ?? file)
    .sort();
}

/**
 * Copies a template, with its name and the engine's version filled in.
 * @returns the files that were written, relative to the folder
 * @throws E_CREATE_TEMPLATE, E_CREATE_NAME, E_CREATE_FOLDER before anything is written
 */
export function createProject({ folder, template, name }: ProjectOptions): string[] {
  const target = resolve(folder);
  const called = name ?? basename(target);
  checkTemplate(template);
  checkName(called);
  checkFolder(target);
  mkdirSync(target, { recursive: true });
  cpSync(join(FOLDER, template), target, { recursive: true });
  for (const [from, to] of Object.entries(NAMES)) renameSync(join(target, from), join(target, to));
  const files = templateFiles(template);
  for (const file of files) {
    const text = readFileSync(join(target, file), 'utf8');
    writeFileSync(join(target, file), text.replaceAll('{{name}}', called).replaceAll('{{version}}', version));
  }
  return files;
}
