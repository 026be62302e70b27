import { EngineError, EXIT_CODES, nearest, show } from '@engine/core';
import { inspectCheckpoint, type CheckpointReport, type InspectedFile } from '@engine/runner';
import { realpathSync } from 'node:fs';
import { parseLine, type Command, type Flag } from '../command.js';
import { inspectRegistry, REGISTRY_FLAGS } from './inspect-registry.js';

const FLAGS = {
  tensors: { type: 'boolean', help: 'list every tensor with dtype, shape and size' },
  format: { type: 'string', value: 'text|json', help: 'how to print; text unless said' },
} as const satisfies Record<string, Flag>;

const THINGS = ['checkpoint', 'registry'];
const FORMATS = ['text', 'json'];

async function run(argv: readonly string[]): Promise<number> {
  const [thing, ...rest] = argv;
  if (thing === 'registry') return inspectRegistry(rest);
  const line = parseLine({ name: 'inspect checkpoint', flags: FLAGS }, rest);
  const format = line.flags['format'] ?? 'text';
  if (thing === undefined || !THINGS.includes(thing) || line.positionals.length !== 1) {
    throw new EngineError({
      code: 'E_CLI_COMMAND',
      what: 'engine inspect describes one checkpoint, or what is registered.',
      received: argv.join(' ') || 'nothing',
      expected: 'engine inspect checkpoint <folder or .safetensors file>, or engine inspect registry [name]',
      didYouMean: thing === undefined ? undefined : nearest(thing, THINGS),
      exitCode: 2,
    });
  }
  if (!FORMATS.includes(String(format))) {
    throw new EngineError({
      code: 'E_CLI_FLAG',
      what: 'A checkpoint is described as text or json.',
      received: `--format ${show(format)}`,
      expected: FORMATS.join(', '),
      didYouMean: nearest(String(format), FORMATS),
      exitCode: 2,
    });
  }
  const report = await inspectCheckpoint(line.positionals[0]!);
  const text =
    format === 'json'
      ? JSON.stringify(report, null, 2)
      : describe(report, line.flags['tensors'] === true).join('\n');
  process.stdout.write(`${text}\n`);
  return report.problems.length > 0 ? EXIT_CODES.failure : EXIT_CODES.ok;
}

export const inspectCommand: Command = {
  name: 'inspect',
  usage: 'checkpoint <path> [--tensors] [--format json] | registry [name] [--json]',
  help: 'Describes a checkpoint: parts, sizes, tensors, iteration, metrics; and whether it is whole. Or lists the parts of installed packages, one registry of them, or one part with its options.',
  flags: { ...FLAGS, ...REGISTRY_FLAGS },
  run,
};

function describe(report: CheckpointReport, tensors: boolean): string[] {
  const lines = [`checkpoint  ${realpathSync(report.path)}`, ...aboutRun(report)];
  const width = Math.max(...report.files.map(({ name }) => name.length));
  lines.push('', `${'file'.padEnd(width)}  ${'size'.padStart(10)}  tensors`);
  for (const file of report.files)
    lines.push(`${file.name.padEnd(width)}  ${size(file.bytes).padStart(10)}  ${summary(file)}`.trimEnd());
  if (tensors) for (const file of report.files) lines.push(...table(file));
  lines.push('', ...report.problems.map((problem) => `NOT WHOLE   ${problem}`));
  if (report.problems.length === 0) lines.pop();
  return lines;
}

function aboutRun({ meta }: CheckpointReport): string[] {
  if (!meta) return ['written by  no run of this engine: weights only'];
  const facts: [string, unknown][] = [
    ['format', meta.format],
    ['iteration', meta.iter],
    ['epoch', meta.epoch],
    ['experiment', meta.experimentName],
    ['time', new Date(meta.time).toISOString()],
    ['engine', meta.engineVersion],
    ['backend', meta.backend],
    ['seed', meta.seed],
    ...Object.entries(meta.metrics ?? {}).map(([key, value]): [string, unknown] => [
      'metric',
      `${key} ${value}`,
    ]),
    ...(meta.migrations ? [['migrations', meta.migrations.join(', ')] as [string, unknown]] : []),
  ];
  return facts.map(([name, value]) => `${name.padEnd(10)}  ${String(value)}`);
}

function summary({ tensors }: InspectedFile): string {
  if (!tensors) return '';
  const types = new Map<string, number>();
  for (const { dtype } of tensors) types.set(dtype, (types.get(dtype) ?? 0) + 1);
  return `${tensors.length}  (${[...types].map(([dtype, count]) => `${count} ${dtype}`).join(', ')})`;
}

function table({ name, tensors }: InspectedFile): string[] {
  if (!tensors || tensors.length === 0) return [];
  const width = Math.max(...tensors.map((tensor) => tensor.name.length));
  return [
    '',
    `${name}:`,
    ...tensors.map(
      (tensor) =>
        `  ${tensor.name.padEnd(width)}  ${tensor.dtype.padEnd(8)}  ${size(tensor.bytes).padStart(10)}  [${tensor.shape.join(', ')}]`,
    ),
  ];
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
