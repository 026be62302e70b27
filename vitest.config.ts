import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['@engine/source', 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: ['@engine/source', 'node', 'import', 'module', 'default'] } },
};

export default defineConfig({
  test: {
    // tfjs's wasm threads and the loader's workers do not live well inside worker threads.
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'plugins/*/src/**/*.test.ts', 'tests/unit/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      { ...shared, test: { name: 'golden', include: ['tests/golden/**/*.test.ts'], testTimeout: 60_000 } },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
