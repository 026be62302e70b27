import { badValue, checkKeys, LOG_PROCESSORS, register, HistoryBuffer } from '@engine/core';
import { tf } from '@engine/tensor';
import type { Mode } from './events.js';
import { counterField, epochField, formatFixed, formatScientific, formatSeconds } from './log-lines.js';
import type { Run } from './run.js';

/** One custom statistic of the log. */
export interface CustomLog {
  /** Scalar to look at, without the mode prefix: `loss`. */
  dataSrc: string;
  /** Statistic of the history buffer: `mean`, `min`, `max`, `current` or a registered one. */
  methodName: string;
  /** Window in iterations, `epoch` (since the epoch began) or `global` (since training began). */
  windowSize?: number | 'epoch' | 'global';
  /** Name in the log; replaces the default entry of `dataSrc` unless it differs. */
  logName?: string;
}

export interface LogProcessorOptions {
  /** Window of smoothed values, in iterations; 10. */
  windowSize?: number;
  /** Whether lines count in epochs; follows the train loop unless said. */
  byEpoch?: boolean;
  customCfg?: readonly CustomLog[];
  /** Decimals of printed numbers; 4. */
  numDigits?: number;
  /** Keep the `train/` prefixes of names for visual backends; false. */
  logWithHierarchy?: boolean;
  /** Names whose values are averaged over the window instead of shown as they are. */
  meanPattern?: string;
}

/** A line for people and the same values by name for visual backends. */
export interface LogEntry {
  tag: Record<string, unknown>;
  line: string;
}

const OPTIONS = [
  'windowSize',
  'byEpoch',
  'customCfg',
  'numDigits',
  'logWithHierarchy',
  'meanPattern',
  'type',
];

/**
 * Turns the message hub's scalars into log lines and tags. This is the one place of the loop that reads scalars from the
 * device, and it does so only when a line is due.
 */
@register(LOG_PROCESSORS)
export class LogProcessor {
  readonly windowSize: number;
  readonly numDigits: number;
  readonly logWithHierarchy: boolean;
  private readonly byEpochOption: boolean | undefined;
  private readonly custom: readonly CustomLog[];
  private readonly mean: RegExp;
  private readonly averaged = new Map<string, boolean>();

  constructor(options: LogProcessorOptions = {}) {
    checkKeys('LogProcessor', options, OPTIONS, 'logProcessor');
    checkLogOptions(options);
    this.windowSize = options.windowSize ?? 10;
    this.byEpochOption = options.byEpoch;
    this.custom = options.customCfg ?? [];
    this.numDigits = options.numDigits ?? 4;
    this.logWithHierarchy = options.logWithHierarchy ?? false;
    this.mean = patternOf(options.meanPattern ?? '.*(loss|time|data_time|grad_norm).*');
    this.checkCustom();
  }

  /** Whether lines of this run count in epochs. */
  byEpoch(run: Run): boolean {
    return this.byEpochOption ?? run.trainLoop?.byEpoch ?? true;
  }

  /** Line and tag during an epoch. `batchIdx` counts from 0. */
  getLogAfterIter(run: Run, batchIdx: number, mode: Mode): LogEntry {
    const byEpoch = this.byEpoch(run);
    const scalars = this.collect(run, mode, this.customFor(batchIdx, run.iter), this.logWithHierarchy);
    const tag: Record<string, unknown> = { ...scalars };
    let line: string;
    if (byEpoch) {
      const counter = counterField(batchIdx + 1, this.batches(run, mode));
      if (mode === 'test') line = `Epoch(test) ${counter}  `;
      else {
        const epoch = this.epochOf(run, mode);
        line = `Epoch(${mode})${epochField(epoch, run.maxEpochs)}${counter}  `;
        tag.epoch = epoch;
      }
    } else if (mode === 'train') line = `Iter(train) ${counterField(run.iter + 1, run.maxIters)}  `;
    else line = `Iter(${mode}) ${counterField(batchIdx + 1, this.batches(run, mode))}  `;
    tag.iter = run.trainLoop ? (mode === 'train' ? run.iter + 1 : run.iter) : 0;

    const prefix = this.logWithHierarchy ? `${mode}/` : '';
    const [timeKey, dataTimeKey] = [`${prefix}time`, `${prefix}data_time`];
    const eta = run.messageHub.getInfo('eta');
    const timed =
      typeof eta === 'number' && scalars[timeKey] !== undefined && scalars[dataTimeKey] !== undefined;
    let rates = '';
    let items = '';
    for (const name in scalars) {
      const value = scalars[name]!;
      if (name.endsWith('lr')) rates += `${rates && ' '}${name}: ${formatScientific(value, this.numDigits)}`;
      else if (timed && (name === timeKey || name === dataTimeKey)) continue;
      else if (mode === 'train' || (mode === 'val' && name.startsWith('val/loss'))) {
        items += `${items && '  '}${name}: ${formatFixed(value, this.numDigits)}`;
      }
    }
    line += `${rates}  `;
    if (timed) {
      const time = formatFixed(scalars[timeKey]!, this.numDigits);
      const dataTime = formatFixed(scalars[dataTimeKey]!, this.numDigits);
      line += `eta: ${formatSeconds(eta)}  time: ${time}  data_time: ${dataTime}  `;
    }
    const memory = peakMemory(run);
    if (memory !== undefined) {
      tag.memory = memory;
      line += `memory: ${memory}  `;
    }
    return { tag, line: line + items };
  }

  /** Line and tag after an evaluation. */
  getLogAfterEpoch(run: Run, batchIdx: number, mode: 'val' | 'test', withNonScalar = false): LogEntry {
    const total = this.batches(run, mode);
    const head = this.byEpoch(run)
      ? `Epoch(${mode}) ${mode === 'val' ? `[${this.epochOf(run, mode)}]` : ''}[${total}/${total}]`
      : `Iter(${mode}) [${total}/${total}]`;
    const named = new Set(this.custom.map((custom) => custom.logName ?? custom.dataSrc));
    const custom = this.customFor(batchIdx, run.iter);
    for (const name of ['time', 'data_time']) {
      if (!named.has(name))
        custom.push({ dataSrc: name, methodName: 'mean', window: batchIdx + 1, logName: name });
    }
    const scalars = this.collect(run, mode, custom, this.logWithHierarchy);
    const isTime = (name: string): boolean => /(^|\/)(data_)?time$/.test(name);
    const values = Object.entries(scalars).filter(([name]) => !isTime(name));
    const times = Object.entries(scalars).filter(([name]) => isTime(name));
    const nonScalars = this.nonScalars(run, mode);
    const items = [
      ...values.map(([name, value]) => `${name}: ${formatFixed(value, this.numDigits)}`),
      ...nonScalars.map(([name, value]) => `${name}: ${printed(value)}`),
      ...times.map(([name, value]) => `${name}: ${formatFixed(value, this.numDigits)}`),
    ];
    const tag = Object.fromEntries([...values, ...(withNonScalar ? nonScalars : []), ...times]);
    return { tag, line: `${head}    ${items.join('  ')}` };
  }

  private batches(run: Run, mode: Mode): number {
    const loop = mode === 'train' ? run.trainLoop : mode === 'val' ? run.valLoop : run.testLoop;
    return loop?.dataloader.length ?? 0;
  }

  /** Epoch to print: the one in progress when training, the completed ones when validating. */
  private epochOf(run: Run, mode: Mode): number {
    return mode === 'train' ? run.epoch + 1 : run.epoch;
  }

  private collect(run: Run, mode: Mode, custom: ResolvedLog[], keepPrefix: boolean): Record<string, number> {
    const found: Record<string, number> = {};
    const buffers = new Map<string, HistoryBuffer>();
    const prefix = `${mode}/`;
    for (const [key, buffer] of run.messageHub.logScalars) {
      if (!key.startsWith(prefix)) continue;
      const name = key.slice(prefix.length);
      buffers.set(name, buffer);
      found[keepPrefix ? key : name] = this.isAveraged(name)
        ? buffer.mean(this.windowSize)
        : buffer.current();
    }
    for (const { dataSrc, methodName, window, logName } of custom) {
      const buffer = buffers.get(dataSrc);
      if (!buffer) continue;
      found[keepPrefix ? prefix + logName : logName] = buffer.statistics(
        methodName,
        ...(window === undefined ? [] : [window]),
      );
    }
    return found;
  }

  /** Whether a name matches the mean pattern; asked at every line, so answered once per name. */
  private isAveraged(name: string): boolean {
    let answer = this.averaged.get(name);
    if (answer === undefined) this.averaged.set(name, (answer = this.mean.test(name)));
    return answer;
  }

  private nonScalars(run: Run, mode: Mode): [string, unknown][] {
    const prefix = `${mode}/`;
    const found: [string, unknown][] = [];
    for (const [key, value] of run.messageHub.runtimeInfo) {
      if (key.startsWith(prefix)) found.push([this.logWithHierarchy ? key : key.slice(prefix.length), value]);
    }
    return found;
  }

  private customFor(batchIdx: number, iter: number): ResolvedLog[] {
    return this.custom.map(({ dataSrc, methodName, windowSize, logName }) => ({
      dataSrc,
      methodName,
      logName: logName ?? dataSrc,
      window: windowSize === 'epoch' ? batchIdx + 1 : windowSize === 'global' ? iter + 1 : windowSize,
    }));
  }

  private checkCustom(): void {
    const seen = new Set<string>();
    for (const [index, custom] of this.custom.entries()) {
      const path = `logProcessor.customCfg.${index}`;
      checkKeys('a custom log', custom, ['dataSrc', 'methodName', 'windowSize', 'logName'], path);
      const name = custom.logName ?? custom.dataSrc;
      if (seen.has(name)) throw badValue(`${path}.logName`, name, 'a name that no other custom log has');
      seen.add(name);
      const window = custom.windowSize;
      const valid =
        window === undefined || window === 'epoch' || window === 'global' || Number.isInteger(window);
      if (!valid) throw badValue(`${path}.windowSize`, window, "a whole number, 'epoch' or 'global'");
      if (window === 'epoch' && this.byEpochOption === false) {
        throw badValue(
          `${path}.windowSize`,
          window,
          "a whole number or 'global', since the log counts iterations",
        );
      }
    }
  }
}

/** Most memory that tensors took on the device since the last line, in whole MiB, where the backend counts it. */
function peakMemory({ backend }: Run): number | undefined {
  if (!backend?.memory || !backend.capabilities().memoryStats) return undefined;
  return Math.floor(backend.memory().peakBytes / 2 ** 20);
}

function checkLogOptions({ windowSize, numDigits, customCfg }: LogProcessorOptions): void {
  if (windowSize !== undefined && !(Number.isInteger(windowSize) && windowSize > 0)) {
    throw badValue('logProcessor.windowSize', windowSize, 'a whole number of iterations above 0');
  }
  if (numDigits !== undefined && !(Number.isInteger(numDigits) && numDigits >= 0 && numDigits <= 20)) {
    throw badValue('logProcessor.numDigits', numDigits, 'a whole number from 0 to 20');
  }
  if (customCfg !== undefined && !Array.isArray(customCfg)) {
    throw badValue('logProcessor.customCfg', customCfg, 'a list of custom logs');
  }
  for (const [index, custom] of (customCfg ?? []).entries()) {
    const path = `logProcessor.customCfg.${index}.methodName`;
    const known = ['mean', 'max', 'min', 'current'];
    if (custom.methodName === undefined || HistoryBuffer.hasStatistic(custom.methodName)) continue;
    throw badValue(path, custom.methodName, `one of ${known.join(', ')}, or a registered statistic`);
  }
}

function patternOf(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})`);
  } catch {
    throw badValue('logProcessor.meanPattern', source, 'a regular expression');
  }
}

interface ResolvedLog {
  dataSrc: string;
  methodName: string;
  logName: string;
  window: number | undefined;
}

/** Arrays and tensors stand on lines of their own. */
function printed(value: unknown): string {
  if (value instanceof tf.Tensor) return `\n${value.toString(false)}\n`;
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return `\n${JSON.stringify(Array.from(value as ArrayLike<unknown>))}\n`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

declare module '@engine/core' {
  interface LogProcessorTypes {
    LogProcessor: LogProcessorOptions;
  }
}
