import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badValue, checkKeys, register } from '@engine/core';
import { readScalar } from '@engine/visualizer';
import type { AddScalarsOptions, ScalarValue, VisBackend } from '@engine/visualizer';
import { VISBACKENDS } from './registry.js';

export interface CsvVisBackendOptions {
  /** Folder of the file; the run's unless said. */
  saveDir?: string;
  /** `scalars.csv` unless said. */
  fileName?: string;
}

declare module '@engine/core' {
  interface VisBackendTypes {
    'outsider.CsvVisBackend': CsvVisBackendOptions;
  }
}

/** Writes one line `step,name,value` for every number that a run reports. */
@register(VISBACKENDS, { from: 'outsider' })
export class CsvVisBackend implements VisBackend {
  static readonly needsSaveDir = true;
  private readonly saveDir: string;
  private readonly fileName: string;

  constructor(options: CsvVisBackendOptions) {
    checkKeys('CsvVisBackend', options, ['saveDir', 'fileName']);
    if (!options.saveDir) throw badValue('CsvVisBackend.saveDir', options.saveDir, 'a folder');
    this.saveDir = options.saveDir;
    this.fileName = options.fileName ?? 'scalars.csv';
  }

  async addScalars(
    scalars: Readonly<Record<string, unknown>>,
    { step = 0 }: AddScalarsOptions,
  ): Promise<void> {
    const lines: string[] = [];
    for (const [name, value] of Object.entries(scalars)) {
      const number = await readScalar(value as ScalarValue);
      if (typeof number === 'number' && name !== 'step')
        lines.push(`${scalars.step ?? step},${name},${number}\n`);
    }
    await mkdir(this.saveDir, { recursive: true });
    await appendFile(join(this.saveDir, this.fileName), lines.join(''));
  }
}
