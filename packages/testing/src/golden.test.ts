import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { goldenDir, readGolden, readGoldenTensors } from './index.js';

describe('golden files', () => {
  it('are found in this repository', () => {
    vi.stubEnv('ENGINE_GOLDEN_DIR', '');
    try {
      expect(goldenDir()).toMatch(/tests[/\\]golden$/);
      expect(Object.keys(readGolden<object>('samplers.json'))).not.toHaveLength(0);
      expect(Object.keys(readGoldenTensors('layers.safetensors').tensors)).not.toHaveLength(0);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('are read from ENGINE_GOLDEN_DIR, with the numbers that Python writes bare', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'engine-golden-'));
    vi.stubEnv('ENGINE_GOLDEN_DIR', dir);
    try {
      await writeFile(join(dir, 'x.json'), '{"a": [NaN, -Infinity, Infinity, 1], "s": "NaN \\" Infinity"}');
      expect(readGolden('x.json')).toEqual({ a: [NaN, -Infinity, Infinity, 1], s: 'NaN " Infinity' });
    } finally {
      vi.unstubAllEnvs();
      await rm(dir, { recursive: true });
    }
  });
});
