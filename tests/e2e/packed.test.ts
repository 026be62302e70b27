import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, tree } from './harness.js';
import { command, PackedPackages, succeed } from './packed.js';

const packed = new PackedPackages();
beforeAll(() => packed.pack());
afterAll(() => packed.dispose());

/** A project that the packed `create-engine` made, with its packages installed. */
async function create(template: string): Promise<string> {
  const maker = packed.path('maker');
  if (!existsSync(join(maker, 'node_modules'))) {
    mkdirSync(maker, { recursive: true });
    const dependencies = { '@engine/create': '^0.1.0' };
    writeFileSync(
      join(maker, 'package.json'),
      JSON.stringify({ name: 'maker', private: true, dependencies }),
    );
    await packed.install(maker);
  }
  const project = packed.path(`made-${template}`);
  const said = await succeed('npx', ['create-engine', project, '--template', template], maker);
  expect(said).toContain('npm install');
  await packed.install(project);
  return project;
}

describe('npm create @engine', () => {
  it('makes a project whose model learns within seconds', async () => {
    const project = await create('minimal');
    await succeed('npm', ['run', 'check'], project);
    const output = await succeed('npm', ['run', 'train'], project);
    const accuracy = [...output.matchAll(/accuracy\/top1: ([\d.]+)/g)].map(([, value]) => Number(value));
    expect(accuracy).toHaveLength(3);
    // Two arms of a spiral: guessing is right half the time.
    expect(accuracy.at(-1)).toBeGreaterThan(90);
    const again = await command('npx', ['create-engine', project, '-t', 'vision'], packed.path('maker'));
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('[E_CREATE_FOLDER]')]);
  });

  it('makes a ResNet that trains from a config', async () => {
    const project = await create('vision');
    await succeed('npm', ['run', 'check'], project);
    const output = await succeed('npm', ['run', 'train', '--', '--fast-dev-run'], project);
    expect(output).toMatch(/accuracy\/top1: [\d.]+/);
  });

  it('makes a plugin that compiles, passes the suites, and lists what it registers', async () => {
    const project = await create('plugin');
    await succeed('npm', ['run', 'build'], project);
    const output = await succeed('npm', ['test'], project);
    expect(output).toMatch(/Tests .*12 passed/);
  });
});

describe('a repository outside the workspace, with packed packages', () => {
  it('compiles, and trains parts of its own from a config that mixes three scopes', async () => {
    const project = packed.copy(join(ROOT, 'tests/outsider'), 'outsider');
    await packed.install(project);
    expect(readdirSync(join(project, 'node_modules/@engine'))).toContain('runner');
    await succeed('npm', ['run', 'build'], project);
    const output = await succeed('npm', ['run', 'train'], project);
    expect(output).toMatch(/Epoch\(train\) +\[3\]\[10\/10\]/);

    const files = tree(join(project, 'work_dirs/stripes'));
    const csv = files.find((file) => /vis_data[\\/]scalars\.csv$/.test(file));
    const rows = readFileSync(join(project, 'work_dirs/stripes', csv!), 'utf8')
      .trim()
      .split('\n');
    const last = (name: string) =>
      Number(
        rows
          .filter((row) => row.split(',')[1] === name)
          .at(-1)!
          .split(',')[2],
      );
    // Stripes of two directions are easy: a network that learns tells all but a few apart; chance is 0.5.
    expect(last('stripes/errorRate')).toBeLessThan(0.1);
    expect(last('accuracy/top1')).toBeCloseTo(100 * (1 - last('stripes/errorRate')), 4);
    expect(last('loss')).toBeLessThan(0.2);
    expect(files.some((file) => file.endsWith('model.safetensors'))).toBe(true);
  });
});
