import { Config, loadConfig } from '@engine/core';
import { describe, expect, it } from 'vitest';
import { goldenPath, readGolden } from './golden.js';

interface ConfigCase {
  file: string;
  overrides: Record<string, unknown> | null;
  expected: unknown;
}

const { cases } = readGolden<{ cases: ConfigCase[] }>('config', 'expected.json');

describe.skipIf(cases.length === 0)('config files resolve as MMEngine resolves them', () => {
  for (const { file, overrides, expected } of cases) {
    const title = overrides ? `${file} with ${JSON.stringify(overrides)}` : file;
    it(title, async () => {
      const config = await loadConfig(goldenPath('config', file), overrides ? { overrides } : {});
      expect(config.values).toEqual(expected);
      for (const format of ['yaml', 'json', 'ts'] as const) {
        const again = await Config.fromString(config.dump(format), format);
        expect(again.values, `read back from ${format}`).toEqual(expected);
      }
    });
  }
});
