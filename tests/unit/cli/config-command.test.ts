import { forgetDiscoveredPlugins } from '@engine/core';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyConfig, workFolder, writeConfig } from '../../e2e/harness.js';
import { engine } from './in-process.js';

const folder = workFolder();
const home = process.cwd();
beforeAll(() => process.chdir(folder.path));
afterAll(() => {
  process.chdir(home);
  folder.dispose();
});

const run = (...args: string[]) => engine(['config', ...args]);
const write = (name: string, text: string): string => {
  writeFileSync(join(folder.path, name), text);
  return name;
};

describe('engine config', () => {
  it('validate says that a config is good', async () => {
    const result = await run('validate', writeConfig(folder.path, tinyConfig()));
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
  });

  it('validate, and train before it builds anything, report all problems with their lines', async () => {
    const changes = {
      optimWrapper: { optimizer: { type: 'SGD', lr: 'fast', momentun: 1 } },
      randomness: { seeed: 1 },
    };
    const file = writeConfig(folder.path, tinyConfig(changes));
    for (const { code, stderr } of [await run('validate', file), await engine(['train', file])]) {
      expect(code).toBe(2);
      expect(stderr).toMatch(/optimWrapper\.optimizer\.lr = 'fast' {3}\(tiny\.json:\d+\)/);
      expect(stderr).toMatch(
        /optimWrapper\.optimizer\.momentun = 1 {3}\(tiny\.json:\d+\)[^]*did you mean 'momentum'/,
      );
      expect(stderr).toMatch(/randomness\.seeed = 1 {3}\(tiny\.json:\d+\)/);
      expect(stderr).toMatch(/\[E_CONFIG_PROBLEMS\] .* has 3 problems/);
    }
  });

  it('diff compares what the files resolve to, with the overrides applied to both', async () => {
    const base = write('base.yaml', 'a: 1\nb: { c: 2 }\n');
    const child = write('child.yaml', '_base_: base.yaml\nb: { c: 3 }\n');
    const { code, stdout } = await run('diff', base, child, 'a=7');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ a: 7\n b:\n- {2}c: 2\n\+ {2}c: 3$/m);
    expect(await run('diff', base, base)).toMatchObject({ code: 0, stdout: '' });
    expect((await run('diff', base)).stderr).toMatch(/E_CLI_CONFIG[^]*two config files/);
  });

  it.each(['json', 'ts'])('dump writes a .%s that reads back equal', async (format) => {
    const file = write('source.yaml', 'a: [1, two, null]\nb: { "x y": 1.5e-7, c: "1" }\n');
    const out = `out.${format}`;
    expect(await run('dump', file, 'b.d=true', '--out', out)).toMatchObject({ code: 0, stderr: '' });
    expect((await run('print', out)).stdout).toBe((await run('print', file, 'b.d=true')).stdout);
  });

  it('schema writes the JSON Schema, with the parts of installed plugins, which are not imported', async () => {
    const plugin = (name: string, schema: string): void => {
      const manifest = { name, engine: { apiVersion: 1, schema: './schema.json', registers: {} } };
      mkdirSync(`node_modules/${name}`, { recursive: true });
      writeFileSync(`node_modules/${name}/package.json`, JSON.stringify(manifest));
      writeFileSync(`node_modules/${name}/schema.json`, schema);
    };
    const parts = { MODELS: { 'toy.Net': { type: 'object', properties: { depth: { type: 'number' } } } } };
    plugin('toy', JSON.stringify({ version: 1, $defs: {}, parts }));
    plugin('broken', '{');
    forgetDiscoveredPlugins();
    const { code, stderr } = await run('schema', '--out', 'schema.json');
    expect(stderr).toMatch(/E_SCHEMA_FILE[^]*node_modules\/broken\/schema\.json/);
    expect(code).toBe(0);
    const schema = JSON.parse(readFileSync('schema.json', 'utf8')) as { $defs: Record<string, unknown> };
    expect(JSON.stringify(schema.$defs.MODELS)).toContain('toy.Net');
    expect(JSON.stringify(schema.$defs.OPTIMIZERS)).toContain('SGD');
    await run('schema', '--out', 'more.json', '--plugin', '@engine/vision');
    expect(readFileSync('more.json', 'utf8')).toContain('vision.ResNet');
  });

  it('says what it can do', async () => {
    const { code, stderr } = await run('valdate');
    expect(code).toBe(2);
    expect(stderr).toMatch(/E_CLI_COMMAND[^]*did you mean 'validate'/);
  });
});
