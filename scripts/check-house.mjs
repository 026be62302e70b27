// Rules of this repository that no linter knows: file length, forbidden words, imports that leave a package by path.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fromRoot } from './lib/root.mjs';
import { sources } from './lib/sources.mjs';

const MAX_LINES = 400;

/** Tables of types or operators, one entry after the other: splitting them would help nobody. */
const LONG_TABLES = new Set([]);

/** First line of files that a script writes: nobody reads them from top to bottom. */
const GENERATED = /^\/\/ (?:Written|Generated) by `?(?:node )?scripts\/gen-/;

const FORBIDDEN = [
  [/\bMath\.random\b/, 'not reproducible: use RandomStream'],
  [/@ts-ignore|@ts-nocheck/, 'type errors are fixed, not ignored'],
  [/\b(TODO|FIXME|XXX)\b/, 'unfinished work belongs in an issue'],
  [/\b(it|test|describe)\.only\b/, 'a focused test hides the others'],
];

/** The package folder that a file is in: `packages/core`. */
function packageOf(path) {
  return /^(?:packages|plugins|apps)\/[^/]+(?=\/)/.exec(path)?.[0];
}

const problems = [];
for (const file of sources(
  ['packages', 'plugins', 'apps', 'tests', 'bench'],
  ['.ts', '.mts', '.mjs', '.js'],
)) {
  const text = readFileSync(fromRoot(file), 'utf8');
  const lines = text.split('\n');
  if (lines.length - 1 > MAX_LINES && !LONG_TABLES.has(file) && !GENERATED.test(text)) {
    problems.push(`${file}: ${lines.length - 1} lines, at most ${MAX_LINES} are allowed`);
  }
  for (const [index, line] of lines.entries()) {
    for (const [pattern, why] of FORBIDDEN) {
      if (pattern.test(line)) problems.push(`${file}:${index + 1}: ${pattern.exec(line)[0]}: ${why}`);
    }
  }
  const home = packageOf(file);
  if (home === undefined) continue;
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)) {
    const target = packageOf(`${posix.join(posix.dirname(file), specifier)}/`);
    if (target !== home) problems.push(`${file}: '${specifier}' leaves the package: import it by name`);
  }
}
console.log(problems.join('\n'));
process.exitCode = problems.length > 0 ? 1 : 0;
