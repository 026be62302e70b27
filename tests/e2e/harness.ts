import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'packages/cli/dist/bin.js');
const WORK = join(ROOT, 'tests/e2e/.work');

/** A folder inside the workspace, where configs find the packages; removed by `dispose`. */
export function workFolder(): { path: string; dispose: () => void } {
  mkdirSync(WORK, { recursive: true });
  const path = mkdtempSync(join(WORK, 'run-'));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  process: ChildProcess;
  /** Everything printed so far. */
  output: () => string;
  done: Promise<Finished>;
}

/** Starts the compiled `engine` command in a folder. */
export function startEngine(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
  nodeFlags: readonly string[] = [],
): Running {
  const child = spawn(process.execPath, [...nodeFlags, BIN, ...args], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', VITEST: '', NO_COLOR: '1', ENGINE_DATA_ROOT: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const done = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { process: child, output: () => stdout + stderr, done };
}

export function engine(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Finished> {
  return startEngine(args, cwd, env).done;
}

/** A config of a small but real training run: a residual network on generated images, everything by name. */
export function tinyConfig(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const dataset = (train: boolean, numSamples: number, pipeline: unknown[]): unknown => ({
    type: 'vision.GeneratedImages',
    train,
    numSamples,
    imageSize: 16,
    seed: 3,
    pipeline: [...pipeline, { type: 'vision.PackInputs' }],
  });
  return {
    plugins: ['@engine/vision'],
    // The backend that is there on every machine, so that every machine tests the same.
    device: 'wasm',
    workDir: 'work',
    model: {
      type: 'vision.ImageClassifier',
      backbone: { type: 'vision.ResNet', depth: 20, numClasses: 10 },
      dataPreprocessor: { type: 'ImgDataPreprocessor', mean: [127.5, 127.5, 127.5], std: [64, 64, 64] },
    },
    trainDataloader: {
      batchSize: 16,
      numWorkers: 0,
      collateFn: 'defaultCollate',
      sampler: { type: 'DefaultSampler', shuffle: true },
      dataset: dataset(true, 160, [
        { type: 'vision.RandomCrop', size: 16, padding: 2 },
        { type: 'vision.RandomFlip', prob: 0.5 },
      ]),
    },
    trainCfg: { maxEpochs: 3, valInterval: 1 },
    optimWrapper: { optimizer: { type: 'SGD', lr: 0.05, momentum: 0.9, weightDecay: 0.0005 } },
    paramScheduler: [
      { type: 'LinearLR', startFactor: 0.1, byEpoch: false, begin: 0, end: 8 },
      { type: 'CosineAnnealingLR', byEpoch: false, begin: 8 },
    ],
    valDataloader: {
      batchSize: 40,
      collateFn: 'defaultCollate',
      sampler: { type: 'DefaultSampler', shuffle: false },
      dataset: dataset(false, 80, []),
    },
    valCfg: {},
    valEvaluator: { type: 'Accuracy', topk: 1 },
    defaultHooks: { checkpoint: { type: 'CheckpointHook', every: '4it', saveBest: 'auto' } },
    randomness: { seed: 7 },
    ...changes,
  };
}

/** Writes a config as JSON and returns its name. */
export function writeConfig(folder: string, config: unknown, name = 'tiny.json'): string {
  writeFileSync(join(folder, name), JSON.stringify(config, null, 2));
  return name;
}

/** Folder of the newest checkpoint of a work dir. */
export function lastCheckpoint(workDir: string): string {
  return join(workDir, readFileSync(join(workDir, 'last_checkpoint'), 'utf8'));
}

/** Checksum of a file of the last checkpoint: equal checksums are equal bits. */
export function checksum(workDir: string, file = 'model.safetensors'): string {
  return createHash('sha256')
    .update(new Uint8Array(readFileSync(join(realpathSync(lastCheckpoint(workDir)), file))))
    .digest('hex');
}

/** Every path below a folder, relative. */
export function tree(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort();
}
