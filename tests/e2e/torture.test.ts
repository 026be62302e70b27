import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { engine, lastCheckpoint, ROOT, workFolder } from './harness.js';
import { compare, killChain, operations, prepareTorture, startInjected, undisturbed } from './torture.js';

const folder = workFolder();
afterAll(() => folder.dispose());

const reference = undisturbed(folder.path, 'reference', prepareTorture(folder.path, 'reference'));

/** One operation of each kind on a checkpoint, spread over the files; `npm run torture` takes them all. */
function sample(all: readonly string[], asyncSave: boolean): number[] {
  const wanted = asyncSave
    ? [/write .*optim/, /rename .*step_000005/, /rename .*last_checkpoint/]
    : [/write .*state/, /write .*COMMIT/, /symlink .*last/, /rm .*step_000005$/];
  return wanted.map((pattern) => {
    const found = all.findIndex((line) => pattern.test(line));
    expect(found, String(pattern)).toBeGreaterThanOrEqual(0);
    return found;
  });
}

describe.each([
  ['at once', false],
  ['in the background', true],
] as const)('checkpoints written %s', (_, asyncSave) => {
  it('survive SIGKILL at any of their writes: the resumed runs end with the same bits', async () => {
    const { outcome, operations: all } = await reference;
    const name = `killed${asyncSave}`;
    const places = sample(all, asyncSave);
    const args = prepareTorture(folder.path, name, { asyncSave });
    const { kills, problems } = await killChain(folder.path, name, args, places, outcome);
    expect(problems).toEqual([]);
    expect(kills).toBe(places.length);
  });
});

describe('a disk that fails in the middle of a checkpoint', () => {
  it.each([
    ['ENOSPC', /E_IO_NO_SPACE.*bytes needed/s],
    ['EIO', /E_IO_DEVICE/],
  ])(
    'with %s ends the run with a house error, and the resumed one with the same bits',
    async (code, message) => {
      const { outcome, operations: all } = await reference;
      const name = `failed${code}`;
      // A write of the second checkpoint, so that there is a first one to fall back to.
      const at = all.findIndex((line) => /write .*step_000010.*optim/.test(line));
      const asyncSave = code === 'EIO';
      const args = prepareTorture(folder.path, name, { asyncSave });
      const failed = await startInjected(args, folder.path, { at, code }).done;
      expect(failed.code).toBe(1);
      expect(failed.stderr).toMatch(message);
      const resumed = await startInjected(args, folder.path, { short: 7 }).done;
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(resumed.stdout).toContain('step_000005');
      const problems: string[] = [];
      compare({ problems }, join(folder.path, name), outcome, code);
      expect(problems).toEqual([]);
    },
  );

  it('goes on where onSaveError is warn, and saves what it can', async () => {
    const { outcome, operations: all } = await reference;
    const at = all.findIndex((line) => /rename .*step_000010/.test(line));
    const args = prepareTorture(folder.path, 'warned', { hook: { onSaveError: 'warn' } });
    const run = await startInjected(args, folder.path, { at, code: 'EIO' }).done;
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/A checkpoint could not be saved: \[E_IO_DEVICE\]/);
    expect(operations(folder.path).length).toBeGreaterThan(at);
    const launches = readdirSync(join(folder.path, 'warned')).filter((name) => /^\d/.test(name));
    expect(readdirSync(join(folder.path, 'warned', launches[0]!, 'checkpoints'))).toContain('step_000005');
    const resumed = await startInjected(args, folder.path, {}).done;
    expect(resumed.code, resumed.stderr).toBe(0);
    const problems: string[] = [];
    compare({ problems }, join(folder.path, 'warned'), outcome, 'warned');
    expect(problems).toEqual([]);
  });
});

describe('a checkpoint of format 1', () => {
  /** Takes a checkpoint back to format 1, in which the hub stood in state.json. */
  function downgrade(folder: string): void {
    const state = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as Record<string, unknown>;
    const { migrations: _, ...meta } = state['meta'] as Record<string, unknown>;
    const messageHub: unknown = JSON.parse(readFileSync(join(folder, 'hub.json'), 'utf8'));
    const text = JSON.stringify({ ...state, meta: { ...meta, format: 1 }, messageHub });
    writeFileSync(join(folder, 'state.json'), text);
    rmSync(join(folder, 'hub.json'));
    const commit = JSON.parse(readFileSync(join(folder, 'COMMIT'), 'utf8')) as {
      files: Record<string, unknown>;
    };
    delete commit.files['hub.json'];
    commit.files['state.json'] = {
      bytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
    };
    writeFileSync(join(folder, 'COMMIT'), JSON.stringify(commit));
  }

  it('is migrated and resumed, and ends with the same bits', async () => {
    const { outcome } = await reference;
    const args = prepareTorture(folder.path, 'older');
    const home = join(folder.path, 'older', '20260101_000000', 'checkpoints', 'step_000015');
    const kept = join(lastCheckpoint(join(folder.path, 'reference')), '..', 'step_000015');
    cpSync(kept, home, { recursive: true });
    downgrade(home);
    const run = await startInjected(args, folder.path, {}).done;
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/of format 1 was migrated: hub-in-own-file\./);
    expect(run.stdout).toContain('resumed epoch: 2, iter: 15');
    const problems: string[] = [];
    compare({ problems }, join(folder.path, 'older'), outcome, 'migrated');
    expect(problems).toEqual([]);
  });

  it('written by the engine of that time is described and resumed', async () => {
    const args = prepareTorture(folder.path, 'fixture');
    const home = join(folder.path, 'fixture', '20260101_000000', 'checkpoints', 'step_000005');
    cpSync(join(ROOT, 'tests/fixtures/checkpoint-format-1'), home, { recursive: true });
    const run = await startInjected(args, folder.path, {}).done;
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toContain('resumed epoch: 0, iter: 5');

    const inspected = await engine(['inspect', 'checkpoint', home, '--tensors'], folder.path);
    expect(inspected.code, inspected.stderr).toBe(0);
    expect(inspected.stdout).toMatch(/format +1\n/);
    expect(inspected.stdout).toMatch(/iteration +5\n/);
    expect(inspected.stdout).toMatch(/model\.safetensors +540 B +4 {2}\(4 float32\)/);
    expect(inspected.stdout).toMatch(/first\.weight +float32 +128 B +\[8, 4\]/);
  });
});
