import { EngineError } from '@engine/core';
import { clearFileBackends, exists, listDirOrFile, remove } from '@engine/fileio';
import { readCheckpoint, Runner, type RunnerOptions } from '@engine/runner';
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, toyOptions, toyVal, trained, weights } from './toy.js';

const folders: (() => void)[] = [];
let workDir: string;
beforeEach(() => {
  const folder = temporaryFolder();
  folders.push(folder.dispose);
  workDir = folder.path;
});
afterAll(() => folders.forEach((dispose) => dispose()));

const saving = (options: Record<string, unknown>, changes: Partial<RunnerOptions> = {}): RunnerOptions =>
  toyOptions(workDir, {
    defaultHooks: { checkpoint: { type: 'CheckpointHook', every: '2it', ...options } as never },
    ...changes,
  });
const names = (runner: Runner): string[] => readdirSync(runner.directory.checkpoints).sort();

describe('asyncSave', () => {
  it('writes what saving at once writes, in order, and is done when training is', async () => {
    const scores = toyVal([1, 3, 2]);
    const options = { saveBest: 'auto', maxKeepCkpts: 2, asyncSave: true, asyncQueue: 2 };
    const runner = await trained(saving(options, scores));
    expect(names(runner)).toEqual(['best_test_acc', 'last', 'step_000008', 'step_000010', 'step_000012']);
    expect(readlinkSync(join(runner.directory.checkpoints, 'last'))).toBe('step_000012');
    expect(readlinkSync(join(runner.directory.checkpoints, 'best_test_acc'))).toBe('step_000008');

    workDir = join(workDir, 'at-once');
    const direct = await trained(saving({ ...options, asyncSave: false }, toyVal([1, 3, 2])));
    for (const step of ['step_000008', 'step_000010', 'step_000012']) {
      const [one, other] = await Promise.all(
        [runner, direct].map((each) => readCheckpoint(join(each.directory.checkpoints, step))),
      );
      expect(one!.model).toEqual(other!.model);
      expect(one!.optimWrapper).toEqual(other!.optimWrapper);
      expect(one!.loop).toEqual(other!.loop);
    }
  });

  it('captures the run at its moment, whatever happens to it while it is written', async () => {
    const seen: Record<number, number[]> = {};
    const runner = await trained(
      saving(
        { every: '1it', asyncSave: true, asyncQueue: 12 },
        {
          customHooks: [
            {
              priority: 'HIGHEST',
              afterTrainIter: (run) => {
                seen[run.iter + 1] = [...run.model.stateDict()['linear.weight']!.dataSync()];
              },
            },
          ],
        },
      ),
    );
    for (const [iter, values] of Object.entries(seen)) {
      const { model, meta } = await readCheckpoint(
        runner.checkpoints.folderOf({ epoch: 0, iter: Number(iter) }),
      );
      expect([...(model['linear.weight']!.data as Float32Array)]).toEqual(values);
      expect(meta.iter).toBe(Number(iter));
    }
  });

  it('waits for the oldest when the queue is full', async () => {
    const pending: number[] = [];
    await trained(
      saving(
        { every: '1it', asyncSave: true, asyncQueue: 2 },
        {
          customHooks: [
            { priority: 'LOWEST', afterTrainIter: (run) => void pending.push(run.saver.pending) },
          ],
        },
      ),
    );
    expect(Math.max(...pending)).toBeLessThanOrEqual(2);
    expect(Math.max(...pending)).toBeGreaterThan(0);
  });

  const failing = {
    priority: 'HIGHEST' as const,
    // A name that no safetensors file may have: the write fails in the thread.
    beforeSaveCheckpoint: (
      _run: unknown,
      { checkpoint }: { checkpoint: { model: Record<string, unknown>; meta: { iter: number } } },
    ) => {
      if (checkpoint.meta.iter === 4) checkpoint.model['__metadata__'] = checkpoint.model['linear.weight'];
    },
  };

  it('reports a failure at the next hook and ends the run', async () => {
    const run = new Runner(saving({ asyncSave: true }, { customHooks: [failing as never] }));
    const error = await run.train().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe('E_SAFETENSORS_TENSOR');
    expect(names(run).filter((name) => name.startsWith('step_'))).not.toContain('step_000004');
    expect(names(run)).toContain('step_000002');
  });

  it('goes on when told, without what could not be written', async () => {
    const runner = await trained(
      saving({ asyncSave: true, onSaveError: 'warn' }, { customHooks: [failing as never] }),
    );
    const steps = names(runner).filter((name) => name.startsWith('step_'));
    expect(steps).toEqual(['step_000002', 'step_000006', 'step_000008', 'step_000010', 'step_000012']);
  });
});

describe('a run whose folder is removed', () => {
  it('says so at its next checkpoint', async () => {
    const hook = {
      afterTrainIter: (run: { iter: number; directory: { path(): string } }) => {
        if (run.iter === 4) rmSync(run.directory.path(), { recursive: true });
      },
    };
    const run = new Runner(saving({ every: '3it' }, { customHooks: [hook as never] }));
    await expect(run.train()).rejects.toThrow(/E_RUN_DIRECTORY_GONE.*removed while the run was going on/s);
  });
});

describe('filenameTmpl', () => {
  it('names folders by epoch or iteration', async () => {
    const byEpoch = await trained(saving({ every: '1ep', filenameTmpl: 'epoch_{}' }));
    expect(names(byEpoch)).toEqual(['epoch_1', 'epoch_2', 'epoch_3', 'last']);
    const both = await trained(saving({ every: '4it', filenameTmpl: 'e{epoch}-i{iter:4}' }));
    expect(names(both)).toEqual(['e0-i0004', 'e1-i0008', 'e2-i0012', 'last']);
    const resumed = await trained(
      saving({ every: '4it', filenameTmpl: 'e{epoch}-i{iter:4}' }, { resume: true }),
    );
    expect(resumed.iter).toBe(12);
  });

  it.each(['fixed', 'a/{}', '{}.tmp-1', '{batch}', 'last', '.{}', 3])('refuses %j', async (filenameTmpl) => {
    await expect(trained(saving({ filenameTmpl }))).rejects.toThrow(/CheckpointHook\.filenameTmpl/);
  });
});

describe('outDir', () => {
  const options = (): Record<string, unknown> => ({ outDir: 'memory://copies', maxKeepCkpts: 2 });

  it('holds the same checkpoints on another storage, and resumes where the work dir is lost', async () => {
    clearFileBackends();
    const whole = weights(await trained(toyOptions(join(workDir, 'whole'))));
    const first = await trained(
      saving(options(), {
        customHooks: [
          { afterTrainIter: (run) => (run.iter + 1 === 7 ? run.requestStop('test') : undefined) },
        ],
      }),
    );
    const home = `memory://copies/${basename(workDir)}`;
    const found: string[] = [];
    for await (const name of listDirOrFile(home, { recursive: true, listDir: false }))
      if (name.endsWith('COMMIT')) found.push(basename(join(name, '..')));
    expect(found.sort()).toEqual(names(first).filter((name) => name.startsWith('step_')));

    rmSync(first.directory.path(), { recursive: true });
    rmSync(join(workDir, 'last_checkpoint'));
    const resumed = await trained(saving(options(), { resume: true }));
    expect(weights(resumed)).toEqual(whole);
    // Its newest copy damaged, a home still has the one before.
    const last = found.at(-1)!;
    const launch = first.directory.timestamp;
    await remove(`${home}/${launch}/checkpoints/${last}/model.safetensors`);
    expect(await exists(`${home}/${launch}/checkpoints/${last}/COMMIT`)).toBe(true);
    const again = await trained(toyOptions(join(workDir, 'again'), { resume: `${home}/${launch}` }));
    expect(weights(again)).toEqual(whole);
    expect(existsSync(join(workDir, 'again', 'last_checkpoint'))).toBe(true);
  });
});
