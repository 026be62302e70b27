// Only the three rules that need types: a training engine dies of promises that nobody waits for. Everything else is
// oxlint's, which is faster.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'packages/*/dist/**',
      'packages/create/templates/**',
      'plugins/*/dist/**',
      '**/node_modules/**',
      '**/*.js',
      '**/*.mjs',
      '**/*.cjs',
      '**/assembly/**',
      'tests/e2e/.work/**',
      // Checked where its packages are installed.
      'tests/outsider/**',
    ],
  },
  {
    files: ['{packages,plugins}/*/src/**/*.ts', 'apps/**/*.ts', 'tests/**/*.ts', 'bench/**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    // Comments that switch off rules of oxlint's are not this linter's business.
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
    },
  },
);
