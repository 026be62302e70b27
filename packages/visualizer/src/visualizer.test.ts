import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostArray, VISUALIZERS } from '@engine/core';
import { tempFolder } from '@engine/testing';
import { describe, expect, it } from 'vitest';
import { LocalVisBackend, Visualizer, type VisBackend } from './index.js';

/** Writes down what it is asked, and fails where told. */
class Recorder implements VisBackend {
  readonly calls: unknown[][] = [];
  constructor(readonly options: { saveDir?: string; fail?: string } = {}) {}
  private note(...call: unknown[]): void {
    this.calls.push(call);
    if (this.options.fail === call[0]) throw new Error('broken');
  }
  addConfig(config: unknown): void {
    this.note('addConfig', config);
  }
  addGraph(model: unknown, batch: unknown): void {
    this.note('addGraph', model, batch);
  }
  addImage(name: string, image: unknown, step: number): void {
    this.note('addImage', name, image, step);
  }
  addScalars(scalars: unknown, options: unknown): void {
    this.note('addScalars', scalars, options);
  }
  close(): void {
    this.note('close');
  }
}

function logged(visualizer: Visualizer): string[] {
  const lines: string[] = [];
  visualizer.logger = { warn: (message) => lines.push(message) };
  return lines;
}

describe('Visualizer', () => {
  it('is built by name and hands everything to every backend', async () => {
    const second = new Recorder();
    const visualizer = VISUALIZERS.build<Visualizer>({
      type: 'Visualizer',
      visBackends: [{ type: Recorder, name: 'a' }, second],
    });
    const image = hostArray(new Uint8Array(3), [1, 1, 3]);
    visualizer.addConfig({ lr: 1 });
    visualizer.addGraph('model', 'batch');
    visualizer.addImage('cat', image);
    visualizer.addScalar('loss', 0.5, 4);
    visualizer.addScalars({ a: 1 }, { step: 5, filePath: 'x.json' });
    await visualizer.close();
    const expected = [
      ['addConfig', { lr: 1 }],
      ['addGraph', 'model', 'batch'],
      ['addImage', 'cat', image, 0],
      ['addScalars', { loss: 0.5 }, { step: 4 }],
      ['addScalars', { a: 1 }, { step: 5, filePath: 'x.json' }],
      ['close'],
    ];
    expect(visualizer.backendNames).toEqual(['a', 'Recorder']);
    expect((visualizer.getBackend('a') as Recorder).calls).toEqual(expected);
    expect(second.calls).toEqual(expected);
  });

  it('gives backends without a folder its own, vis_data', async () => {
    const saveDir = await tempFolder();
    const visualizer = new Visualizer({
      saveDir,
      visBackends: [
        { type: 'LocalVisBackend' },
        { type: 'LocalVisBackend', name: 'second', saveDir: join(saveDir, 'own') },
      ],
    });
    visualizer.addScalars({ a: 1 }, { step: 1 });
    await visualizer.close();
    for (const folder of ['vis_data', 'own']) {
      expect(await readFile(join(saveDir, folder, 'scalars.json'), 'utf8')).toBe('{"a": 1, "step": 1}\n');
    }
    expect(visualizer.getBackend('LocalVisBackend')).toBeInstanceOf(LocalVisBackend);
  });

  it('leaves out a backend that needs a folder when there is none', () => {
    const visualizer = new Visualizer({ visBackends: { type: 'LocalVisBackend' } });
    expect(visualizer.backendNames).toEqual([]);
  });

  it('reports a failing backend once and goes on with the others', async () => {
    const broken = new Recorder({ fail: 'addScalars' });
    const sound = new LocalVisBackend({ saveDir: await tempFolder() });
    const visualizer = new Visualizer({ visBackends: [broken, sound] });
    const lines = logged(visualizer);
    for (let step = 0; step < 3; step++) visualizer.addScalars({ a: step }, { step });
    await visualizer.close();
    expect(lines).toEqual([expect.stringMatching(/'Recorder' failed in addScalars.*broken/)]);
    expect(broken.calls.filter(([method]) => method === 'addScalars')).toHaveLength(3);
    expect(await readFile(join(sound.saveDir, 'scalars.json'), 'utf8')).toMatch(/"step": 2}\n$/);
  });

  it('waits at the end for calls under way, and reports those that reject', async () => {
    let done = false;
    const slow: VisBackend = {
      addScalars: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        done = true;
        throw new Error('late');
      },
    };
    const visualizer = new Visualizer({ visBackends: [slow] });
    const lines = logged(visualizer);
    visualizer.addScalars({ a: 1 });
    expect(done).toBe(false);
    await visualizer.close();
    expect(done).toBe(true);
    expect(lines).toEqual([expect.stringMatching(/late/)]);
  });

  it('is silent on other ranks', async () => {
    const backend = new Recorder();
    const visualizer = new Visualizer({ rank: 1, visBackends: [backend] });
    visualizer.addScalars({ a: 1 });
    await visualizer.close();
    expect(backend.calls).toEqual([]);
  });

  it('has house errors', () => {
    const backend = { type: 'LocalVisBackend', saveDir: 'x' } as const;
    expect(() => new Visualizer({ visBackends: [backend, backend] })).toThrow(/E_VISUALIZER_DUPLICATE/);
    expect(() => new Visualizer({ visBackends: [backend] }).getBackend('LocalVisBackendd')).toThrow(
      /E_VISUALIZER_BACKEND[^]*did you mean 'LocalVisBackend'/,
    );
    expect(() => new Visualizer({ visBackend: [] } as object)).toThrow(/did you mean 'visBackends'/);
    expect(() => new Visualizer({ visBackends: [3 as unknown as VisBackend] })).toThrow(
      /visualizer\.visBackends\[0\]/,
    );
    const typo = { type: 'LocalVisBackand' } as never;
    expect(() => new Visualizer({ saveDir: 'x', visBackends: [typo] })).toThrow(
      /visualizer\.visBackends\[0\]\.type[^]*did you mean 'LocalVisBackend'/,
    );
  });
});
