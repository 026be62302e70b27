import { verifyDirectory } from '@engine/fileio';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  engine,
  lastCheckpoint,
  tinyConfig,
  tree,
  workFolder,
  writeConfig,
  type Finished,
} from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

/** The house error and nothing of a stack trace; exit code 2 since the config is wrong; nothing written. */
async function expectRefused(
  config: unknown,
  patterns: RegExp[],
  args: string[] = [],
  workDir = 'work',
): Promise<Finished> {
  rmSync(join(folder.path, workDir), { recursive: true, force: true });
  const file = writeConfig(folder.path, config);
  const result = await engine(['train', file, ...args], folder.path);
  for (const pattern of patterns) expect(result.stderr).toMatch(pattern);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(result.code).toBe(2);
  const checkpoints = existsSync(join(folder.path, workDir))
    ? tree(join(folder.path, workDir)).filter((path) => path.includes('step_'))
    : [];
  expect(checkpoints).toEqual([]);
  return result;
}

describe('a config that cannot be right', () => {
  it('names the type that was meant', async () => {
    const config = tinyConfig({ optimWrapper: { optimizer: { type: 'SDG', lr: 0.1 } } });
    await expectRefused(config, [
      /\[E_REGISTRY_UNKNOWN\] 'SDG'/,
      /optimWrapper\.optimizer\.type = 'SDG'/,
      /did you mean 'SGD'\?/,
      /tiny\.json:\d+/,
    ]);
  });

  it('names the key that was meant, at the top level and inside a part', async () => {
    await expectRefused(tinyConfig({ trainConfg: {} }), [/E_CONFIG_UNKNOWN_KEY/, /trainConfg/]);
    const optimWrapper = { optimizer: { type: 'SGD', lr: 0.1, momentom: 0.9 } };
    await expectRefused(tinyConfig({ optimWrapper }), [/momentom/, /did you mean 'momentum'\?/]);
  });

  it('points at a wrong override', async () => {
    await expectRefused(tinyConfig(), [/E_[A-Z_]+/, /lr/], ['optimWrapper.optimizer.lr=fast']);
  });

  it('wants whole groups', async () => {
    const config = tinyConfig();
    delete config.trainCfg;
    await expectRefused(config, [/E_CONFIG_GROUP/, /trainCfg/]);
  });
});

describe('files that are not there or not readable', () => {
  it('says where data were looked for', async () => {
    const config = tinyConfig();
    const dataset = { type: 'vision.CIFAR10', dataRoot: 'no/such/folder', download: false, pipeline: [] };
    (config.trainDataloader as Record<string, unknown>).dataset = dataset;
    await expectRefused(config, [/E_DATA_MISSING/, /no\/such\/folder/, /ENGINE_DATA_ROOT/]);
  });

  it('suggests the config file that was meant', async () => {
    writeConfig(folder.path, tinyConfig());
    const result = await engine(['train', 'tinny.json'], folder.path);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/tinny\.json/);
    expect(result.stderr).toMatch(/did you mean '.*tiny\.json'\?/);
  });

  it('gives file and line of a config that cannot be parsed', async () => {
    writeFileSync(join(folder.path, 'broken.yaml'), 'model:\n  type: A\n  bad: [1, 2\nworkDir: x\n');
    const result = await engine(['train', 'broken.yaml'], folder.path);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/broken\.yaml:\d+/);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it.skipIf(process.getuid?.() === 0)('says that a config may not be read', async () => {
    writeFileSync(join(folder.path, 'secret.json'), '{}');
    chmodSync(join(folder.path, 'secret.json'), 0);
    const result = await engine(['train', 'secret.json'], folder.path);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/secret\.json/);
  });

  it('says that a config cannot be read, whoever reads it', async () => {
    symlinkSync('loop.json', join(folder.path, 'loop.json'));
    const result = await engine(['train', 'loop.json'], folder.path);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/\[E_[\s\S]*loop\.json/);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it('says that a folder is no config', async () => {
    const result = await engine(['train', '.'], folder.path);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/\[E_/);
  });

  it('says that the work dir cannot be made', async () => {
    writeFileSync(join(folder.path, 'a-file'), '');
    await expectRefused(tinyConfig({ workDir: 'a-file/work' }), [/E_WORK_DIR/, /a-file/], [], 'elsewhere');
    // Where the kernel answers ENOENT for a folder that is there, Node's recursive mkdir never returns.
    await expectRefused(
      tinyConfig({ workDir: '/proc/work' }),
      [/E_WORK_DIR/, /\/proc\/work/],
      [],
      'elsewhere',
    );
  });
});

describe('a corrupt checkpoint', () => {
  const workDir = join(folder.path, 'corrupt');
  let file: string;

  beforeAll(async () => {
    file = writeConfig(folder.path, tinyConfig({ workDir: 'corrupt' }), 'corrupt.json');
    expect((await engine(['train', file], folder.path)).code).toBe(0);
  });

  it('is refused by name when asked for by path', async () => {
    const victim = lastCheckpoint(workDir);
    const weights = join(victim, 'model.safetensors');
    const bytes = new Uint8Array(readFileSync(weights));
    bytes[bytes.length - 3]! ^= 0xff;
    writeFileSync(weights, bytes);
    const result = await engine(['train', file, '--load-from', victim], folder.path);
    expect(result.stderr).toMatch(/E_CHECKPOINT_CORRUPT/);
    expect(result.stderr).toMatch(/model\.safetensors/);
    expect(result.code).not.toBe(0);
  });

  it('is passed over for the newest whole one, with a warning, on --resume', async () => {
    truncateSync(join(lastCheckpoint(workDir), 'optim.safetensors'), 100);
    const result = await engine(['train', file, '--resume'], folder.path);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/E_CHECKPOINT_CORRUPT/);
    expect(result.stdout).toMatch(/Falling back to the newest whole checkpoint/);
  });

  it('stops the run when none is whole', async () => {
    for (const path of tree(workDir)) {
      if (path.endsWith('COMMIT')) rmSync(join(workDir, path), { force: true });
    }
    const result = await engine(['train', file, '--resume'], folder.path);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(/No checkpoint below .* is whole/);
    expect(readdirSync(workDir).length).toBeGreaterThan(0);
  });
});

/** A file system of its own with very little room; undefined where mounting one is not allowed. */
function tinyDisk(): { path: string; dispose: () => void } | undefined {
  const path = join(folder.path, 'disk');
  mkdirSync(path);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', path]);
  if (mounted.status !== 0) return undefined;
  return { path, dispose: () => void spawnSync('umount', ['-l', path]) };
}

describe('a full disk', () => {
  const disk = tinyDisk();
  afterAll(() => disk?.dispose());

  // Mounting needs root; the same is swept byte by byte, without a mount, in tests/unit/runner/checkpoints.test.ts.
  it.skipIf(!disk)(
    'ends the run with the path and the bytes needed; what was saved stays whole',
    async () => {
      const workDir = join(disk!.path, 'work');
      const file = writeConfig(folder.path, tinyConfig({ workDir }), 'disk.json');
      const result = await engine(['train', file], folder.path);
      expect(result.code).not.toBe(0);
      expect(result.stderr).toMatch(/E_IO_NO_SPACE/);
      expect(result.stderr).toMatch(/step_\d+/);
      expect(result.stderr).toMatch(/\d+ bytes/);
      const left = tree(workDir);
      expect(left.filter((path) => path.includes('.tmp-'))).toEqual([]);
      const whole = left.filter((path) => /^[^/]+\/checkpoints\/step_\d+$/.test(path));
      expect(whole.length).toBeGreaterThan(0);
      for (const path of whole) expect(await verifyDirectory(join(workDir, path))).toEqual([]);
    },
  );
});

it('a loss that is no number any more ends the run with exit code 3, and is not saved', async () => {
  const config = tinyConfig({
    workDir: 'nan',
    optimWrapper: { optimizer: { type: 'SGD', lr: 1e18 } },
    paramScheduler: [],
    customHooks: [{ type: 'NaNGuardHook', interval: 2 }],
  });
  const result = await engine(['train', writeConfig(folder.path, config, 'nan.json')], folder.path);
  expect(result.stderr).toMatch(/E_NOT_FINITE/);
  expect(result.code).toBe(3);
  expect(tree(join(folder.path, 'nan')).filter((path) => path.includes('step_'))).toEqual([]);
});
