import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checksum, engine, ROOT, startEngine, tinyConfig, workFolder, writeConfig } from './harness.js';

const folder = workFolder();
afterAll(() => folder.dispose());

/** Waits until a run is iterating. */
async function underWay(output: () => string): Promise<void> {
  while (!/Saving checkpoint at \d+ iterations/.test(output()))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('finishes the step, saves, exits with 75, and the resumed run ends with the same bits', async () => {
    const whole = writeConfig(
      folder.path,
      tinyConfig({ workDir: `whole-${signal}` }),
      `whole-${signal}.json`,
    );
    expect((await engine(['train', whole], folder.path)).code).toBe(0);

    const config = writeConfig(folder.path, tinyConfig({ workDir: `cut-${signal}` }), `cut-${signal}.json`);
    const run = startEngine(['train', config], folder.path);
    await underWay(run.output);
    run.process.kill(signal);
    const stopped = await run.done;
    expect(stopped.code, stopped.stderr).toBe(75);
    expect(stopped.stdout).toMatch(new RegExp(`Stopped by ${signal} at iteration \\d+; saved to`));

    const resumed = await engine(['resume', config], folder.path);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(checksum(join(folder.path, `cut-${signal}`))).toBe(checksum(join(folder.path, `whole-${signal}`)));
  });
});

describe.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second %s', (signal, code) => {
  // A run that never ends its step: what remains is the user's second wish.
  const script = `
    import { stopOnSignals } from '@engine/cli';
    stopOnSignals({ requestStop: (reason) => console.log('asked by ' + reason) });
    setInterval(() => {}, 1000);
    console.log('ready');
  `;

  async function signalled(pause: number): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    while (!output.includes('ready')) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill(signal);
    while (!output.includes('asked by')) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, pause));
    child.kill(signal);
    const alive = await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1500, 'alive'))]);
    if (alive === 'alive') child.kill('SIGKILL');
    return { code: await closed, output };
  }

  it('stops at once', async () => {
    expect((await signalled(400)).code).toBe(code);
  });

  it('is taken for an echo of the first when it comes right after it, as a terminal and npm both send one', async () => {
    expect((await signalled(0)).code).toBeNull();
  });
});
