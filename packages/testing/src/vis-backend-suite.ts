import { hostArray } from '@engine/core';
import type { VisBackend } from '@engine/visualizer';
import { describe, expect, it } from 'vitest';
import { tempFolder } from './temp-folder.js';

/** A row of scalars as the backend's own reader gives it back. */
export type ScalarRow = Record<string, unknown>;

export interface VisBackendSuiteOptions {
  /** Name of the class, for the test's title. */
  name: string;
  /** Makes a backend that keeps its data under `saveDir`. */
  create(saveDir: string): VisBackend | Promise<VisBackend>;
  /** Reads back everything reported so far, in order, each row with its `step`. */
  readScalars(saveDir: string, backend: VisBackend): Promise<ScalarRow[]>;
}

/** What every visual backend must do. Call it at the top level of a test file. */
export function visBackendSuite({ name, create, readScalars }: VisBackendSuiteOptions): void {
  describe(`${name} as a visual backend`, () => {
    it('gives back scalars in order with their steps', async () => {
      const dir = await tempFolder();
      const backend = await create(dir);
      await backend.addScalars({ map: 0.7, acc: 0.9 }, { step: 0 });
      await backend.addScalars({ map: 0.8, acc: 0.8 }, { step: 1 });
      await backend.close?.();
      expect(await readScalars(dir, backend)).toEqual([
        { map: 0.7, acc: 0.9, step: 0 },
        { map: 0.8, acc: 0.8, step: 1 },
      ]);
    });

    it('gives back a single scalar, also one that is still on a device', async () => {
      const dir = await tempFolder();
      const backend = await create(dir);
      if (!backend.addScalar) return;
      await backend.addScalar('loss', 0.5, 3);
      await backend.addScalar('loss', { read: () => 0.25, dispose: () => expect.fail('disposed') }, 4);
      await backend.close?.();
      expect(await readScalars(dir, backend)).toEqual([
        { loss: 0.5, step: 3 },
        { loss: 0.25, step: 4 },
      ]);
    });

    it('does not change the scalars it is given', async () => {
      const backend = await create(await tempFolder());
      const scalars = Object.freeze({ map: 0.7, acc: 0.9 });
      await backend.addScalars(scalars, { step: 2 });
      await backend.close?.();
      expect(scalars).toEqual({ map: 0.7, acc: 0.9 });
    });

    it('goes on after a flush and after a close', async () => {
      const dir = await tempFolder();
      const backend = await create(dir);
      await backend.addScalars({ a: 1 }, { step: 1 });
      await backend.flush?.();
      await backend.addScalars({ a: 2 }, { step: 2 });
      await backend.close?.();
      await backend.addScalars({ a: 3 }, { step: 3 });
      await backend.close?.();
      expect((await readScalars(dir, backend)).map((row) => row['a'])).toEqual([1, 2, 3]);
    });

    it('closes twice without complaint', async () => {
      const backend = await create(await tempFolder());
      await backend.close?.();
      await backend.close?.();
    });

    it('takes a config and an RGB image', async () => {
      const backend = await create(await tempFolder());
      await backend.addConfig?.({ model: { type: 'ResNet', depth: 20 }, lr: 0.1 });
      await backend.addImage?.('sample', hostArray(new Uint8Array(2 * 3 * 3).fill(7), [2, 3, 3]), 1);
      await backend.close?.();
    });
  });
}
