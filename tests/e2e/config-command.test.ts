import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { engine, tinyConfig, workFolder, writeConfig } from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());
const run = (...args: string[]) => engine(['config', ...args], folder.path);
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
    for (const { code, stderr } of [
      await run('validate', file),
      await engine(['train', file], folder.path),
    ]) {
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

  it('schema writes the JSON Schema, with the parts of plugins', async () => {
    expect(await run('schema', '--out', 'schema.json', '--plugin', '@engine/vision')).toMatchObject({
      code: 0,
    });
    const text = readFileSync(join(folder.path, 'schema.json'), 'utf8');
    expect(Object.keys(JSON.parse(text) as object)).toContain('$defs');
    expect(text).toContain('vision.ResNet');
  });

  it('says what it can do', async () => {
    const { code, stderr } = await run('valdate');
    expect(code).toBe(2);
    expect(stderr).toMatch(/E_CLI_COMMAND[^]*did you mean 'validate'/);
  });
});
