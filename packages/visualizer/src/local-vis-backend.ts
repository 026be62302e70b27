import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, normalize, resolve } from 'node:path';
import { badValue, checkKeys, register, VISBACKENDS, type HostArray } from '@engine/core';
import { dumpTo, ioError, toPythonJson } from '@engine/fileio';
import { LineFile } from './line-file.js';
import { encodePng } from './png.js';
import { readScalar, requireScalar } from './scalar-value.js';
import type { AddScalarsOptions, ConfigContent, ScalarValue, VisBackend } from './vis-backend.js';

export interface LocalVisBackendOptions {
  /** Folder for everything this backend writes; made at first use. The Visualizer gives its own unless said. */
  saveDir?: string;
  /** Folder for images inside `saveDir`. Default `vis_image`. */
  imgSaveDir?: string;
  /** File for the config inside `saveDir`, `.yaml`, `.yml` or `.json`. Default `config.yaml`. */
  configSaveFile?: string;
  /** File for scalars inside `saveDir`, `.json`. Default `scalars.json`. */
  scalarSaveFile?: string;
}

declare module '@engine/core' {
  interface VisBackendTypes {
    LocalVisBackend: LocalVisBackendOptions;
  }
}

/**
 * Writes to a folder: scalars as JSON Lines with Python's separators (`{"loss": 0.7, "step": 10}`), the config as text,
 * images as `<imgSaveDir>/<name>_<step>.png`. NaN and infinities are written as the strings `NaN`, `Infinity`,
 * `-Infinity`, so that every line is JSON. Lines wait for at most two seconds, until {@link flush} or {@link close}, or
 * until the process exits; a process that is killed loses only those.
 */
@register(VISBACKENDS)
export class LocalVisBackend implements VisBackend {
  static readonly needsSaveDir = true;
  readonly saveDir: string;
  private readonly imgSaveDir: string;
  private readonly configSaveFile: string;
  private readonly scalarSaveFile: string;
  private readonly secondFiles = new Map<string, string>();
  private readonly files = new Map<string, LineFile>();
  private readonly onExit = (): void => {
    try {
      this.flush();
    } catch {
      // The process is ending: nobody is left to tell.
    }
  };

  /** @throws E_CONFIG_UNKNOWN_KEY; E_CONFIG_VALUE without `saveDir` or for a wrong extension */
  constructor(options: LocalVisBackendOptions) {
    checkKeys('LocalVisBackend', options, ['saveDir', 'imgSaveDir', 'configSaveFile', 'scalarSaveFile']);
    const {
      saveDir,
      imgSaveDir = 'vis_image',
      configSaveFile = 'config.yaml',
      scalarSaveFile = 'scalars.json',
    } = options;
    if (typeof saveDir !== 'string' || saveDir === '') {
      throw badValue(
        'LocalVisBackend.saveDir',
        saveDir,
        'a folder',
        'give saveDir here or in the visualizer',
      );
    }
    checkExtension('configSaveFile', configSaveFile, ['.yaml', '.yml', '.json']);
    checkExtension('scalarSaveFile', scalarSaveFile, ['.json']);
    this.saveDir = resolve(saveDir);
    this.imgSaveDir = join(this.saveDir, imgSaveDir);
    this.configSaveFile = join(this.saveDir, configSaveFile);
    this.scalarSaveFile = join(this.saveDir, scalarSaveFile);
  }

  /** The folder. */
  get experiment(): this {
    return this;
  }

  addConfig(config: ConfigContent): void {
    const text = typeof config === 'string' ? config : dumpTo(extname(this.configSaveFile).slice(1), config);
    this.write(this.configSaveFile, text);
  }

  addImage(name: string, image: HostArray, step = 0): void {
    const file = inside(this.imgSaveDir, `${name}_${step}.png`, 'name');
    this.write(file, encodePng(image));
  }

  addScalar(name: string, value: ScalarValue, step = 0): void {
    this.addLine(this.scalarSaveFile, toPythonJson({ [name]: requireScalar(name, value), step }));
  }

  addScalars(scalars: Readonly<Record<string, unknown>>, options: AddScalarsOptions = {}): void {
    const row: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(scalars)) row[name] = readScalar(value) ?? value;
    if (!Object.hasOwn(row, 'step')) row['step'] = options.step ?? 0;
    const line = toPythonJson(row);
    if (options.filePath !== undefined) {
      const second = this.secondFile(options.filePath);
      if (second === this.scalarSaveFile) {
        throw badValue(
          'filePath',
          options.filePath,
          'a file other than scalarSaveFile, which gets every row anyway',
        );
      }
      this.addLine(second, line);
    }
    this.addLine(this.scalarSaveFile, line);
  }

  flush(): void {
    for (const file of this.files.values()) file.flush();
  }

  close(): void {
    process.removeListener('exit', this.onExit);
    try {
      this.flush();
    } finally {
      this.files.clear();
    }
  }

  /** Path of a second scalar file, checked when it is first named. */
  private secondFile(name: string): string {
    let path = this.secondFiles.get(name);
    if (path === undefined) {
      checkExtension('filePath', name, ['.json']);
      this.secondFiles.set(name, (path = inside(this.saveDir, name, 'filePath')));
    }
    return path;
  }

  private addLine(path: string, line: string): void {
    let file = this.files.get(path);
    if (!file) {
      if (this.files.size === 0) process.on('exit', this.onExit);
      this.files.set(path, (file = new LineFile(path)));
    }
    file.add(line);
  }

  private write(path: string, content: string | Uint8Array): void {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    } catch (error) {
      throw ioError(error, { path, doing: 'write', bytes: content.length });
    }
  }
}

function checkExtension(option: string, file: string, extensions: readonly string[]): void {
  if (extensions.includes(extname(file))) return;
  throw badValue(`LocalVisBackend.${option}`, file, `a file name that ends in ${extensions.join(' or ')}`);
}

/** `name` below `folder`: a name may have folders, but must not lead out. */
function inside(folder: string, name: string, option: string): string {
  const path = normalize(join(folder, name));
  if (path.startsWith(normalize(join(folder, '/')))) return path;
  throw badValue(`LocalVisBackend.${option}`, name, `a name inside ${folder}`);
}
