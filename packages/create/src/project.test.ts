import { isEngineError } from '@engine/core';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createProject, main, TEMPLATES } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'create-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isEngineError(error)) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('createProject', () => {
  it.each(Object.keys(TEMPLATES))('writes %s with its name, and leaves no placeholder', (template) => {
    const target = join(folder, `my-${template}`);
    const files = createProject({ folder: target, template });
    expect(files).toEqual(
      expect.arrayContaining(['.gitignore', 'README.md', 'package.json', 'tsconfig.json']),
    );
    const text = files.map((file) => readFileSync(join(target, file), 'utf8')).join('\n');
    expect(text).not.toMatch(/\{\{/);
    const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as { name: string };
    expect(manifest.name).toBe(`my-${template}`);
    expect(messageOf(() => createProject({ folder: target, template }))).toMatch(
      /E_CREATE_FOLDER.*my-.* with .*\.gitignore/s,
    );
  });

  it('refuses names and templates that are none, and writes nothing', () => {
    const target = join(folder, 'Bad Name');
    expect(messageOf(() => createProject({ folder: target, template: 'minimal' }))).toMatch(
      /E_CREATE_NAME.*--name bad-name/s,
    );
    expect(messageOf(() => createProject({ folder: target, template: 'minimum', name: 'x' }))).toMatch(
      /E_CREATE_TEMPLATE.*one of minimal, vision, plugin/s,
    );
    expect(existsSync(target)).toBe(false);
    expect(createProject({ folder: target, template: 'minimal', name: '@me/x' })).toContain(
      'train.config.ts',
    );
  });

  it('leaves a folder with a file of its own as it is, but takes one with nothing but git in it', () => {
    const target = mkdtempSync(join(folder, 'own-'));
    writeFileSync(join(target, '.git'), 'gitdir: elsewhere');
    createProject({ folder: target, template: 'minimal', name: 'x' });
    expect(readdirSync(target)).toContain('.git');
  });
});

describe('create-engine', () => {
  it('says what is wrong with a command line instead of asking nobody', async () => {
    const said: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text: string | Uint8Array) => said.push(String(text)) > 0;
    try {
      expect(await main([join(folder, 'flag'), '--templat', 'minimal'])).toBe(2);
      expect(await main([join(folder, 'a'), join(folder, 'b')])).toBe(2);
      expect(await main([])).toBe(2);
    } finally {
      process.stderr.write = write;
    }
    expect(said[0]).toMatch(/E_CREATE_FLAG.*'--template'/s);
    expect(said[1]).toMatch(/more than one folder/);
    expect(said[2]).toMatch(/E_CREATE_ANSWER/);
  });
});
