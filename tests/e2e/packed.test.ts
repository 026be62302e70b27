import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, tree } from './harness.js';
import { PackedPackages, succeed } from './packed.js';

const packed = new PackedPackages();
beforeAll(() => packed.pack());
afterAll(() => packed.dispose());

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
