// Writes schema.json of each package, and tests/types/parts.test-d.ts, from the options that parts declare in the type
// tables of @engine/core; with --check only says whether they are up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { fromRoot } from './lib/root.mjs';
import { openTables } from './lib/type-tables.mjs';
import { typeTests } from './lib/type-tests.mjs';

/** The type table of each registry. */
const TABLES = {
  LOOPS: 'LoopTypes',
  HOOKS: 'HookTypes',
  DATASETS: 'DatasetTypes',
  DATA_SAMPLERS: 'SamplerTypes',
  TRANSFORMS: 'TransformTypes',
  COLLATE_FUNCTIONS: 'CollateTypes',
  MODELS: 'ModelTypes',
  MODEL_WRAPPERS: 'ModelWrapperTypes',
  WEIGHT_INITIALIZERS: 'WeightInitializerTypes',
  OPTIMIZERS: 'OptimizerTypes',
  OPTIM_WRAPPERS: 'OptimWrapperTypes',
  OPTIM_WRAPPER_CONSTRUCTORS: 'OptimWrapperConstructorTypes',
  PARAM_SCHEDULERS: 'ParamSchedulerTypes',
  METRICS: 'MetricTypes',
  EVALUATOR: 'EvaluatorTypes',
  VISUALIZERS: 'VisualizerTypes',
  VISBACKENDS: 'VisBackendTypes',
  LOG_PROCESSORS: 'LogProcessorTypes',
  FUNCTIONS: 'FunctionTypes',
  BACKENDS: 'BackendTypes',
  PROCESS_GROUPS: 'ProcessGroupTypes',
  STORAGE_BACKENDS: 'StorageBackendTypes',
  STRATEGIES: 'StrategyTypes',
  INFERENCERS: 'InferencerTypes',
};

const tables = openTables(TABLES);
const schemas = tables.schemas();
const outputs = new Map();
for (const [folder, schema] of schemas) {
  outputs.set(`${folder}/schema.json`, JSON.stringify(schema));
}
outputs.set('tests/types/parts.test-d.ts', typeTests(tables, schemas, TABLES));

const stale = [];
for (const [name, text] of outputs) {
  const file = fromRoot(name);
  // A line that must not compile stays one line: its mark speaks of the next line only.
  const pretty = name.endsWith('.ts')
    ? text
    : await format(text, { ...(await resolveConfig(file)), filepath: file });
  if (existsSync(file) && readFileSync(file, 'utf8') === pretty) continue;
  stale.push(name);
  if (!process.argv.includes('--check')) writeFileSync(file, pretty);
}
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.log(`Not up to date: ${stale.join(', ')}. Run \`node scripts/gen-schemas.mjs\`.`);
    process.exitCode = 1;
  }
} else console.log(`${outputs.size} files, ${stale.length} changed; ${tables.parts.length} parts`);
