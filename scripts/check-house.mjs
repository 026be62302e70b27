// Rules of this repository that no linter knows: file length, forbidden words, imports that leave a package by path.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { fromRoot, root } from './lib/root.mjs';

const MAX_LINES = 400;

/** Tables of types or operators, one entry after the other: splitting them would help nobody. */
const LONG_TABLES = new Set([]);

const FORBIDDEN = [
  [/\bMath\.random\b/, 'Math.random is not reproducible: use RandomStream'],
  [/@ts-ignore|@ts-nocheck/, 'type errors are fixed, not ignored'],
  [/\b(TODO|FIXME|XXX)\b/, 'unfinished work belongs in an issue'],
  [/\b(it|test|describe)\.only\b/, 'a focused test hides the others'],
];

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', '.turbo', '.work', 'work_dirs'].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (['.ts', '.mts', '.mjs', '.js'].includes(extname(entry.name))) yield path;
  }
}

/** The package folder that a file is in: `packages/core`. */
function packageOf(path) {
  const [kind, name] = relative(root, path).split(sep);
  return ['packages', 'plugins', 'apps'].includes(kind) ? `${kind}/${name}` : undefined;
}

const problems = [];
for (const folder of ['packages', 'plugins', 'apps', 'tests', 'bench']) {
  if (!existsSync(fromRoot(folder))) continue;
  for (const path of sources(fromRoot(folder))) {
    const name = relative(root, path);
    const text = readFileSync(path, 'utf8');
    const lines = text.split('\n');
    if (lines.length - 1 > MAX_LINES && !LONG_TABLES.has(name)) {
      problems.push(`${name}: ${lines.length - 1} lines, at most ${MAX_LINES} are allowed`);
    }
    for (const [index, line] of lines.entries()) {
      for (const [pattern, why] of FORBIDDEN) {
        if (pattern.test(line)) problems.push(`${name}:${index + 1}: ${pattern.exec(line)[0]}: ${why}`);
      }
    }
    const home = packageOf(path);
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)) {
      const target = packageOf(resolve(dirname(path), specifier));
      if (home !== undefined && target !== home)
        problems.push(`${name}: '${specifier}' leaves the package: import it by name`);
    }
  }
}
console.log(problems.join('\n'));
process.exitCode = problems.length > 0 ? 1 : 0;
