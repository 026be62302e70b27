import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './harness.js';

const SCRIPT = join(ROOT, 'bench/train-step/steady.mjs');
const missing = !existsSync(join(ROOT, 'plugins/backend-torch/build/Release/engine_torch.node'));

interface Report {
  leakedTensors: number;
  leakedBytes: number;
  residentGrowthMB: number;
  fallbacks: Record<string, number>;
}

// The models of the bench for fewer steps than the 200 and 2,000 that steady.mjs is for.
describe.skipIf(missing)('training for many steps on torch', () => {
  it.each([
    ['mlp', 600, 40],
    ['transformer', 16, 40],
    ['resnet18', 8, 60],
  ])(
    '%s: %i steps leak nothing and never leave libtorch',
    (model, steps, megabytes) => {
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [SCRIPT, '--model', model, '--steps', String(steps)],
        { cwd: ROOT, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', VITEST: '' } },
      );
      expect(stdout, stderr).toContain('"steps"');
      const report = JSON.parse(stdout) as Report;
      expect(report).toMatchObject({ leakedTensors: 0, leakedBytes: 0, fallbacks: {} });
      // A leaked activation would be at least the size of a batch each step; garbage of JavaScript's is a few.
      expect(report.residentGrowthMB).toBeLessThan(megabytes);
    },
    120_000,
  );
});
