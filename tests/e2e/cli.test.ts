import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { engine, ROOT, tinyConfig, tree, workFolder, writeConfig } from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());
const config = writeConfig(folder.path, tinyConfig());

describe('engine', () => {
  it('helps', async () => {
    const result = await engine(['--help'], folder.path);
    expect(result.code).toBe(0);
    for (const name of ['train', 'resume', 'val', 'test', 'eval', 'config', 'inspect', 'env', 'doctor'])
      expect(result.stdout).toContain(`engine ${name}`);
  });

  it.each([
    [['trian', 'x'], /did you mean 'train'/],
    [['train', 'tiny.json', '--resme'], /did you mean '--resume'/],
    [['train', 'tiny.json', '--resume=false'], /takes no value/],
    [['train'], /needs a config file/],
    [['train', 'tiny.json', 'epochs'], /key=value/],
    [['config', 'prnt', 'tiny.json'], /did you mean 'print'/],
  ])('%j is refused with a hint', async (args, pattern) => {
    const result = await engine(args, folder.path);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(pattern);
  });

  it('prints a config with overrides, which reads back', async () => {
    const printed = await engine(
      ['config', 'print', config, 'trainCfg.maxEpochs=9', '--format', 'json'],
      folder.path,
    );
    expect(printed.code, printed.stderr).toBe(0);
    expect(JSON.parse(printed.stdout)).toEqual(tinyConfig({ trainCfg: { maxEpochs: 9, valInterval: 1 } }));
  });

  it('merges --cfg-options that are repeated', async () => {
    const flags = ['--cfg-options', 'trainCfg.maxEpochs=9', '--cfg-options', 'randomness.seed=4'];
    const printed = await engine(['config', 'print', config, ...flags, '--format', 'json'], folder.path);
    expect(JSON.parse(printed.stdout)).toMatchObject({ trainCfg: { maxEpochs: 9 }, randomness: { seed: 4 } });
  });

  it('explains where a value comes from', async () => {
    const result = await engine(
      ['config', 'explain', config, 'trainCfg.maxEpochs', 'trainCfg.maxEpochs=9'],
      folder.path,
    );
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/tiny\.json:\d+/);
    expect(result.stdout).toContain('9');
  });

  it('tells what can run here', async () => {
    const doctor = await engine(['doctor'], folder.path);
    expect(doctor.code).toBe(0);
    expect(doctor.stdout).toMatch(/yes {2}wasm/);
    // A machine with libtorch has a faster one.
    expect(doctor.stdout).toMatch(/auto picks (wasm|torch)/);
    const env = await engine(['env'], folder.path);
    expect(env.code).toBe(0);
    expect(env.stdout).toMatch(/^node: v\d+/m);
  });
});

describe('a whole run', () => {
  it('trains, lays out its folder, and tests the result', async () => {
    const changes = {
      workDir: 'whole',
      testCfg: {},
      testDataloader: tinyConfig().valDataloader,
      testEvaluator: tinyConfig().valEvaluator,
    };
    const file = writeConfig(folder.path, tinyConfig(changes), 'whole.json');
    const trained = await engine(['train', file], folder.path);
    expect(trained.code, trained.stderr).toBe(0);
    const lines = trained.stdout.trimEnd().split('\n');
    expect(lines.at(-2)).toBe(`run directory: ${join(folder.path, 'whole', latest('whole'))}`);
    expect(lines.at(-1)).toMatch(/^val accuracy: \d+\.\d\d %$/);
    expect(trained.stdout).toMatch(/generated/i);
    expect(trained.stdout).toMatch(
      /\d\d\/\d\d \d\d:\d\d:\d\d - engine - INFO - Epoch\(train\) \[1\]\[10\/10\] {2}lr: /,
    );
    expect(trained.stdout).toMatch(/Epoch\(val\) \[1\]\[2\/2\] {4}accuracy\/top1: /);

    const launch = latest('whole');
    const files = tree(join(folder.path, 'whole', launch));
    for (const name of [
      'config.yaml',
      'config.layers.json',
      'env.json',
      'cmd.txt',
      `${launch}.log`,
      'vis_data/scalars.json',
      'checkpoints/last',
      'checkpoints/best_accuracy_top1',
      'checkpoints/step_000030/COMMIT',
      'checkpoints/step_000030/state.json',
      'checkpoints/step_000030/data.json',
      'checkpoints/step_000030/rng.json',
      'checkpoints/step_000030/model.safetensors',
      'checkpoints/step_000030/optim.safetensors',
    ]) {
      expect(files).toContain(name);
    }
    const scalars = readFileSync(join(folder.path, 'whole', launch, 'vis_data/scalars.json'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(scalars.map((line) => JSON.parse(line) as { step: number }).map(({ step }) => step)).toEqual([
      10, 1, 20, 2, 30, 3,
    ]);

    const tested = await engine(['test', file], folder.path);
    expect(tested.code, tested.stderr).toBe(0);
    const accuracy = (text: string, mode: string): string =>
      new RegExp(`${mode} accuracy: (.*)`).exec(text)![1]!;
    expect(accuracy(tested.stdout, 'test')).toBe(accuracy(trained.stdout, 'val'));

    const validated = await engine(['val', file, '--out', 'results.json'], folder.path);
    expect(validated.code, validated.stderr).toBe(0);
    expect(accuracy(validated.stdout, 'val')).toBe(accuracy(trained.stdout, 'val'));
    // The predictions that were written give the same number again, and others without the model.
    const offline = await engine(
      ['eval', file, '--results', 'results.json', 'testEvaluator=[{"type":"Accuracy"},{"type":"AUROC"}]'],
      folder.path,
    );
    expect(offline.code, offline.stderr).toBe(0);
    const [, top1, area] = /^test accuracy\/top1: (\S+)\ntest auroc\/auroc: (\S+)$/m.exec(offline.stdout)!;
    expect(`${Number(top1).toFixed(2)} %`).toBe(accuracy(trained.stdout, 'val'));
    expect(Number(area)).toBeGreaterThan(0);
    const without = await engine(['eval', file], folder.path);
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('--results FILE')]);
  });

  it('tries a config out without a trace, and in one short pass', async () => {
    const file = writeConfig(folder.path, tinyConfig({ workDir: 'trial' }), 'trial.json');
    const dry = await engine(['train', file, '--dry-run'], folder.path);
    expect(dry.code, dry.stderr).toBe(0);
    expect(dry.stdout).toMatch(/training +3 epochs of 10 batches, 30 iterations\n/);
    expect(dry.stdout).toMatch(/first batch +inputs \[16, 16, 16, 3\]/);
    expect(existsSync(join(folder.path, 'trial'))).toBe(false);
    const short = await engine(['train', file, '--fast-dev-run'], folder.path);
    expect(short.code, short.stderr).toBe(0);
    expect(short.stdout).toMatch(/Epoch\(train\) \[1\]\[1\/1\]/);
    expect(tree(join(folder.path, 'trial')).some((name) => name.includes('step_'))).toBe(false);
  });

  it('writes weights under PyTorch names and shapes', async () => {
    const bytes = readFileSync(
      join(folder.path, 'whole', latest('whole'), 'checkpoints/last/model.safetensors'),
    );
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString()) as Record<
      string,
      { shape: number[] }
    >;
    expect(header['backbone.conv1.weight']!.shape).toEqual([16, 3, 3, 3]);
    expect(header['backbone.layer2.0.downsample.0.weight']!.shape).toEqual([32, 16, 1, 1]);
    expect(header['backbone.bn1.running_var']!.shape).toEqual([16]);
    expect(header['backbone.fc.weight']!.shape).toEqual([10, 64]);
  });
});

/** Name of the launch that `latest` points at. */
function latest(workDir: string): string {
  return readFileSync(join(folder.path, workDir, 'last_checkpoint'), 'utf8').split('/')[0]!;
}

it('the quickstart config resolves', async () => {
  const result = await engine(['config', 'print', 'apps/examples/cifar10/resnet20.config.ts'], ROOT);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toMatch(/depth: 20/);
});
