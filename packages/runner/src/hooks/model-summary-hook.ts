import { badValue, checkKeys, HOOKS, register, sizeOf } from '@engine/core';
import type { Module } from '@engine/nn';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface ModelSummaryHookOptions {
  /** Levels of modules to show; 3. -1 shows all. Deeper ones count in the rows above them. */
  maxDepth?: number;
  priority?: number | string;
}

/** Counts of a whole model. */
export interface ModelSize {
  /** Elements of all parameters. */
  parameters: number;
  /** Of these, those that are trained. */
  trainable: number;
  /** Elements of all buffers. */
  buffers: number;
}

interface Row {
  name: string;
  type: string;
  shapes: string;
  parameters: string;
}

/** Counts the elements of parameters and buffers; a shared one counts once. */
export function modelSize(model: Module): ModelSize {
  const count = (variables: readonly { shape: readonly number[] }[]): number =>
    variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const parameters = model.parameters();
  return {
    parameters: count(parameters),
    trainable: count(parameters.filter((variable) => variable.trainable)),
    buffers: count(model.namedBuffers().map(([, variable]) => variable)),
  };
}

/**
 * A table of the modules of a model: name, class, shapes of its own parameters (as in memory), and the number of elements
 * of all parameters in and below it.
 */
export function summarizeModel(model: Module, { maxDepth = 3 }: { maxDepth?: number } = {}): string {
  const rows: Row[] = [{ name: 'module', type: 'class', shapes: 'shapes', parameters: 'parameters' }];
  for (const [name, module] of model.namedModules()) {
    const depth = name === '' ? 0 : name.split('.').length;
    if (maxDepth >= 0 && depth > maxDepth) continue;
    const size = modelSize(module);
    if (size.parameters === 0 && size.buffers === 0) continue;
    const frozen = size.parameters > 0 && size.trainable === 0;
    rows.push({
      name: name === '' ? '(model)' : name,
      type: module.constructor.name,
      shapes: module
        .ownVariables()
        .filter(([, variable]) => module.parameters().includes(variable))
        .map(([leaf, { shape }]) => `${leaf} [${shape.join(', ')}]`)
        .join('  '),
      parameters: `${size.parameters.toLocaleString('en-US')}${frozen ? ' (frozen)' : ''}`,
    });
  }
  const width = (key: keyof Row): number => Math.max(...rows.map((row) => row[key].length));
  const [name, type, shapes, count] = [width('name'), width('type'), width('shapes'), width('parameters')];
  const lines = rows.map(
    (row) =>
      `${row.name.padEnd(name)}  ${row.type.padEnd(type)}  ${row.shapes.padEnd(shapes)}  ${row.parameters.padStart(count)}`,
  );
  const rule = '-'.repeat(name + type + shapes + count + 6);
  const total = modelSize(model);
  const number = (value: number): string => value.toLocaleString('en-US');
  const bytes = ((total.parameters + total.buffers) * 4) / 2 ** 20;
  const footer =
    `${number(total.parameters)} parameters (${number(total.trainable)} trained), ` +
    `${number(total.buffers)} elements of buffers, ${bytes.toFixed(2)} MiB`;
  return [rule, lines[0], rule, ...lines.slice(1), rule, footer].join('\n');
}

/** Writes a table of the model's modules and the number of its parameters to the log when training starts. */
@register(HOOKS)
export class ModelSummaryHook extends Hook {
  private readonly maxDepth: number;

  constructor(options: ModelSummaryHookOptions = {}) {
    super();
    checkKeys('ModelSummaryHook', options, ['maxDepth', 'priority']);
    this.maxDepth = options.maxDepth ?? 3;
    if (!Number.isInteger(this.maxDepth) || this.maxDepth < -1) {
      throw badValue(
        'ModelSummaryHook.maxDepth',
        options.maxDepth,
        'a whole number of levels, or -1 for all',
      );
    }
  }

  override beforeTrain(run: Run): void {
    run.logger.info(`Model:\n${summarizeModel(run.model, { maxDepth: this.maxDepth })}`);
  }
}

declare module '@engine/core' {
  interface HookTypes {
    ModelSummaryHook: ModelSummaryHookOptions;
  }
}
