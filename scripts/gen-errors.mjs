// Writes docs/errors.md from the error codes in the sources; with --check only says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { fromRoot } from './lib/root.mjs';
import { sources } from './lib/sources.mjs';

const CODE = /^E_[A-Z0-9]+(_[A-Z0-9]+)+$/;
const page = fromRoot('docs', 'errors.md');

/** Text of a string or template literal, `…` standing for what is filled in; undefined for anything else. */
function textOf(node) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return [node.head.text, ...node.templateSpans.map((span) => `…${span.literal.text}`)].join('');
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textOf(node.left), textOf(node.right)];
    return left === undefined && right === undefined ? undefined : `${left ?? '…'}${right ?? '…'}`;
  }
  return undefined;
}

/** code → { files, texts by part } */
const codes = new Map();

function note(code, file, parts) {
  const entry = codes.get(code) ?? { files: new Set(), what: new Set(), expected: new Set(), fix: new Set() };
  codes.set(code, entry);
  entry.files.add(file);
  for (const part of ['what', 'expected', 'fix']) if (parts[part]) entry[part].add(parts[part]);
}

function visit(node, file) {
  if ((ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) && CODE.test(node.text)) {
    const parts = {};
    const { parent } = node;
    if (ts.isPropertyAssignment(parent) && parent.name.getText() === 'code') {
      for (const property of parent.parent.properties) {
        if (ts.isPropertyAssignment(property)) parts[property.name.getText()] = textOf(property.initializer);
      }
    }
    note(node.text, file, parts);
  }
  ts.forEachChild(node, (child) => visit(child, file));
}

for (const file of sources(['packages', 'plugins'], ['.ts'])) {
  if (/\.(test|test-d|d)\.ts$|\/assembly\/|^packages\/testing\//.test(file)) continue;
  const source = readFileSync(fromRoot(file), 'utf8');
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true), file);
}

const oneLine = (text) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '\\<');
const lines = [
  '# Error codes',
  '',
  'Every error that the engine throws on purpose is an `EngineError` with a code. This page is generated from the sources',
  'by `node scripts/gen-errors.mjs`; `…` stands for what the message fills in.',
  '',
];
for (const [code, entry] of [...codes].sort(([a], [b]) => (a < b ? -1 : 1))) {
  lines.push(`## ${code}`, '');
  for (const what of [...entry.what].sort()) lines.push(`- ${oneLine(what)}`);
  for (const expected of [...entry.expected].sort()) lines.push(`- Expected: ${oneLine(expected)}`);
  for (const fix of [...entry.fix].sort()) lines.push(`- Fix: ${oneLine(fix)}`);
  lines.push(
    `- Thrown in: ${[...entry.files]
      .sort()
      .map((file) => `\`${file}\``)
      .join(', ')}`,
    '',
  );
}
const text = `${lines.join('\n').trimEnd()}\n`;

if (process.argv.includes('--check')) {
  let found = '';
  try {
    found = readFileSync(page, 'utf8');
  } catch {
    // A missing page is an old page.
  }
  if (found !== text) {
    console.log('docs/errors.md is not up to date: run `node scripts/gen-errors.mjs`.');
    process.exitCode = 1;
  }
} else {
  writeFileSync(page, text);
  console.log(`docs/errors.md: ${codes.size} codes`);
}
