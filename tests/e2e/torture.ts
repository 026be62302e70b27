// Runs that are killed, or whose disk fails, at chosen operations on their checkpoints, and what they must end as.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checksum, ROOT, startEngine, tree, writeConfig, type Finished, type Running } from './harness.js';

const PRELOAD = join(ROOT, 'packages/testing/dist/fault-preload.js');

/** A model so small that the start of the process is all that costs time, with every kind of state that a run has. */
const PLUGIN = `
import { DATASETS, MODELS, hostArray, RandomStream } from '@engine/core';
import { BaseModel, Dropout, Linear } from '@engine/nn';
import { tf } from '@engine/tensor';

class Points {
  metainfo = { name: 'points' };
  length = 24;
  getItem(index) {
    const rng = RandomStream.of(5, 'points', index);
    const x = Float32Array.from({ length: 4 }, () => rng.normal());
    return [hostArray(x, [4]), hostArray(Float32Array.of(x[0] - x[1] * x[2]), [1])];
  }
}
DATASETS.add('TorturePoints', Points);

class Net extends BaseModel {
  first = new Linear({ inFeatures: 4, outFeatures: 8 });
  drop = new Dropout({ p: 0.25 });
  second = new Linear({ inFeatures: 8, outFeatures: 1 });
  forward(inputs, targets, mode) {
    const out = this.second.forward(this.drop.forward(tf.relu(this.first.forward(inputs))));
    if (mode === 'loss') return { loss: tf.mean(tf.squaredDifference(out, targets)) };
    return [out, targets];
  }
}
MODELS.add('TortureNet', Net);
`;

export interface TortureOptions {
  /** Save in the background. */
  asyncSave?: boolean;
  /** More options of the checkpoint hook. */
  hook?: Record<string, unknown>;
}

/** Writes plugin and config of a run into a folder; the arguments that train it, resuming. */
export function prepareTorture(folder: string, name: string, options: TortureOptions = {}): string[] {
  writeFileSync(join(folder, 'torture-plugin.mjs'), PLUGIN);
  const config = {
    plugins: ['./torture-plugin.mjs'],
    device: 'cpu',
    workDir: name,
    model: { type: 'TortureNet' },
    trainDataloader: {
      batchSize: 4,
      collateFn: 'defaultCollate',
      sampler: { type: 'DefaultSampler', shuffle: true },
      dataset: { type: 'TorturePoints' },
    },
    trainCfg: { maxEpochs: 3 },
    optimWrapper: { optimizer: { type: 'AdamW', lr: 0.01 }, accumulativeCounts: 4 },
    paramScheduler: [{ type: 'LinearLR', startFactor: 0.1, byEpoch: false, begin: 0, end: 12 }],
    customHooks: [{ type: 'EMAHook', momentum: 0.1 }],
    defaultHooks: {
      checkpoint: {
        type: 'CheckpointHook',
        every: '5it',
        maxKeepCkpts: 2,
        asyncSave: options.asyncSave ?? false,
        ...options.hook,
      },
    },
    randomness: { seed: 7 },
  };
  return ['train', writeConfig(folder, config, `${name}.json`), '--resume'];
}

/** What happens to a process, and when: see fault-preload.ts. */
export interface Injected {
  at?: number;
  code?: string;
  short?: number;
}

export function startInjected(args: readonly string[], folder: string, fault: Injected): Running {
  const log = join(folder, 'operations.log');
  rmSync(log, { force: true });
  const env: Record<string, string> = { ENGINE_FAULT_LOG: log };
  if (fault.at !== undefined) env['ENGINE_FAULT_AT'] = String(fault.at);
  if (fault.code !== undefined) env['ENGINE_FAULT_CODE'] = fault.code;
  if (fault.short !== undefined) env['ENGINE_FAULT_SHORT'] = String(fault.short);
  return startEngine(args, folder, env, ['--import', PRELOAD]);
}

/** Operations on checkpoints of the last injected run in a folder. */
export function operations(folder: string): string[] {
  const log = join(folder, 'operations.log');
  return existsSync(log)
    ? readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => line.trimEnd())
    : [];
}

/** Checksums of what a finished run leaves; equal ones are equal bits. */
export function outcomeOf(workDir: string): Record<string, string> {
  const files = ['model', 'optim', 'raw_model'];
  return Object.fromEntries(files.map((name) => [name, checksum(workDir, `${name}.safetensors`)]));
}

export interface Tortured {
  kills: number;
  /** Operations at which a process was killed. */
  places: string[];
  /** One sentence per thing that is not as it must be. */
  problems: string[];
}

/**
 * Starts the same run again and again, killing each process at the next of `places`, then lets it end and compares with
 * `expected`. Where a process ends before its place, what it leaves is compared and the run begins anew.
 */
export async function killChain(
  folder: string,
  name: string,
  args: readonly string[],
  places: readonly number[],
  expected: Record<string, string>,
): Promise<Tortured> {
  const result: Tortured = { kills: 0, places: [], problems: [] };
  const workDir = join(folder, name);
  let fresh = true;
  for (let next = 0; ;) {
    const at = places[next];
    const { code, signal, stderr, stdout } = await startInjected(args, folder, at === undefined ? {} : { at })
      .done;
    if (signal === 'SIGKILL') {
      result.kills++;
      result.places.push(operations(folder).at(-1) ?? '');
      fresh = false;
      next++;
      continue;
    }
    if (code !== 0) {
      result.problems.push(`exit code ${code} instead of ${at}: ${(stderr || stdout).slice(-600)}`);
      return result;
    }
    compare(result, workDir, expected, `after ${result.kills} kills`);
    if (at === undefined) return result;
    // A run from its beginning that does not get there has no such place.
    if (fresh) next++;
    rmSync(workDir, { recursive: true, force: true });
    fresh = true;
  }
}

/**
 * Starts the same run again and again, killing each process a while after it began to train, then lets it end and
 * compares with `expected`.
 * @param pauses milliseconds, one per process
 */
export async function killAtMoments(
  folder: string,
  name: string,
  args: readonly string[],
  pauses: readonly number[],
  expected: Record<string, string>,
): Promise<Tortured> {
  const result: Tortured = { kills: 0, places: [], problems: [] };
  const workDir = join(folder, name);
  for (const pause of [...pauses, undefined]) {
    const run = startInjected(args, folder, {});
    if (pause !== undefined) {
      run.process.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('Checkpoints will be saved'))
          setTimeout(() => run.process.kill('SIGKILL'), pause);
      });
    }
    const { code, signal, stderr, stdout } = await run.done;
    if (signal === 'SIGKILL') {
      result.kills++;
      result.places.push(`${pause} ms`);
    } else if (code !== 0) {
      result.problems.push(`exit code ${code}: ${(stderr || stdout).slice(-600)}`);
    } else {
      compare(result, workDir, expected, `after ${result.kills} kills at moments`);
      if (pause !== undefined) rmSync(workDir, { recursive: true, force: true });
    }
  }
  return result;
}

/** Notes every difference between a finished run and what it must be. */
export function compare(
  result: Pick<Tortured, 'problems'>,
  workDir: string,
  expected: Record<string, string>,
  when: string,
): void {
  const found = outcomeOf(workDir);
  for (const [file, sum] of Object.entries(expected)) {
    if (found[file] !== sum) result.problems.push(`${when}: ${file} differs`);
  }
  // What a crash left beside other launches' checkpoints is removed by the next resume.
  const launches = readdirSync(workDir).sort();
  const left = tree(workDir).filter((path) => /\.(tmp|old)-\d/.test(path));
  if (left.length > 0)
    result.problems.push(`${when}: left over in ${launches.length} launches: ${left.join(', ')}`);
}

/** An undisturbed run: what it leaves, and the operations that it makes on checkpoints. */
export async function undisturbed(
  folder: string,
  name: string,
  args: readonly string[],
): Promise<{ outcome: Record<string, string>; operations: string[]; finished: Finished }> {
  const finished = await startInjected(args, folder, {}).done;
  if (finished.code !== 0)
    throw new Error(`the undisturbed run failed: ${finished.stderr || finished.stdout}`);
  return { outcome: outcomeOf(join(folder, name)), operations: operations(folder), finished };
}
