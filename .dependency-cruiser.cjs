// The floors of docs/architecture.md as rules: a package imports only from floors below it, by its name, without cycles.
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const FLOORS = [
  ['core'],
  ['fileio', 'tensor'],
  ['nn', 'data', 'dist', 'optim', 'evaluator', 'visualizer'],
  ['runner'],
  ['cli', 'create', 'hub'],
];

/** What each plugin may use. */
const OPTIMIZER = ['core', 'tensor', 'optim'];
const STORAGE = ['core', 'fileio'];

const PLUGINS = {
  'backend-torch': ['core', 'tensor'],
  'backend-wasm': ['core', 'tensor'],
  openmmlab: ['core'],
  'optim-8bit': OPTIMIZER,
  'optim-dadaptation': OPTIMIZER,
  'optim-extra': OPTIMIZER,
  'optim-lion': OPTIMIZER,
  'optim-sophia': OPTIMIZER,
  'storage-s3': STORAGE,
  vision: FLOORS.slice(0, 3).flat(),
};

const TESTS = '[.]test(-d)?[.]ts$';

/** The source files that a package offers: the `@engine/source` entries of its exports. */
function entryPoints(kind) {
  return readdirSync(join(__dirname, kind), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const { exports = {} } = JSON.parse(readFileSync(join(__dirname, kind, name, 'package.json'), 'utf8'));
      return Object.values(exports)
        .map((entry) => entry['@engine/source'])
        .filter(Boolean)
        .map((file) => `^${kind}/${name}/${file.replace('./', '').replaceAll('.', '[.]')}$`);
    });
}

const others = (allowed) => `^packages/(?!(${allowed.join('|')})/)`;

const floorRules = FLOORS.flatMap((packages, floor) =>
  packages.map((name) => ({
    name: `floor-${name}`,
    comment: `${name} stands on floor ${floor}: it may import from the floors below only.`,
    severity: 'error',
    from: { path: `^packages/${name}/src`, pathNot: TESTS },
    to: { path: `${others([name, ...FLOORS.slice(0, floor).flat()])}|^plugins/|^apps/` },
  })),
);

const pluginRules = Object.entries(PLUGINS).map(([name, allowed]) => ({
  name: `plugin-${name}`,
  comment: `The plugin ${name} may import from ${allowed.join(', ')} only.`,
  severity: 'error',
  from: { path: `^plugins/${name}/src`, pathNot: TESTS },
  to: { path: `${others(allowed)}|^plugins/(?!${name}/)|^apps/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...floorRules,
    ...pluginRules,
    {
      name: 'no-cycle',
      comment: 'Files that need each other to run cannot be read one after the other.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-deep-import',
      comment: 'Another package is imported by what its package.json exports, never by a file inside.',
      severity: 'error',
      from: { path: '^(packages|plugins|apps)/([^/]+)/' },
      to: {
        path: '^(packages|plugins|apps)/',
        pathNot: ['^$1/$2/', ...entryPoints('packages'), ...entryPoints('plugins')],
      },
    },
    {
      name: 'testing-only-in-tests',
      comment: '@engine/testing is for tests.',
      severity: 'error',
      from: { path: '^(packages|plugins|apps)/', pathNot: [TESTS, '^packages/testing/'] },
      to: { path: '^packages/testing/' },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(packages|plugins)/[^/]+/(dist|lib|templates|assembly|[.]turbo)/|(^|/)work_dirs/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@engine/source', 'import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
