import { join } from 'node:path';
import {
  badValue,
  checkKeys,
  EngineError,
  isComponentConfig,
  listNames,
  LOGGERS,
  nearest,
  register,
  VISBACKENDS,
  VISUALIZERS,
  type ComponentConfig,
  type ConfigOf,
  type HostArray,
  type VisBackendTypes,
} from '@engine/core';
import type { AddScalarsOptions, ConfigContent, ScalarValue, VisBackend } from './vis-backend.js';

/** A backend's config, with a name to ask for it by; the name of its type unless said. */
export type VisBackendConfig = ConfigOf<VisBackendTypes> & { name?: string };

export interface VisualizerOptions {
  /** Name of this visualizer. Default `visualizer`. */
  name?: string;
  /** Backends, by config or ready-made. Default none. */
  visBackends?: VisBackendConfig | VisBackend | readonly (VisBackendConfig | VisBackend)[];
  /** Folder of the run: backends that name none get `<saveDir>/vis_data`. */
  saveDir?: string;
  /** Rank of this process: all but rank 0 keep silent. Default 0. */
  rank?: number;
}

declare module '@engine/core' {
  interface VisualizerTypes {
    Visualizer: VisualizerOptions;
  }
}

/** Where the visualizer tells that a backend failed. */
export interface WarningSink {
  warn(message: string): void;
}

/**
 * Hands what a run reports to every backend. A backend that throws or rejects is reported once per kind of call, and
 * never stops the run: the numbers of a training are worth more than their pictures.
 */
@register(VISUALIZERS)
export class Visualizer {
  readonly name: string;
  /** Free for those who draw: class names, palette. */
  datasetMeta: unknown;
  /** Told about failing backends; a Runner puts its own logger here. */
  logger: WarningSink | undefined;
  private readonly backends = new Map<string, VisBackend>();
  private readonly silent: boolean;
  private readonly reported = new Set<string>();
  private readonly pending = new Set<Promise<void>>();

  /**
   * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE, E_VISUALIZER_DUPLICATE for two backends with one name
   */
  constructor(options: VisualizerOptions = {}) {
    checkKeys('Visualizer', options, ['name', 'visBackends', 'saveDir', 'rank']);
    this.name = options.name ?? 'visualizer';
    this.silent = (options.rank ?? 0) !== 0;
    if (this.silent) return;
    const given = options.visBackends ?? [];
    const saveDir = options.saveDir === undefined ? undefined : join(options.saveDir, 'vis_data');
    const list = Array.isArray(given) ? (given as readonly unknown[]) : [given];
    for (const [index, item] of list.entries())
      this.addBackend(item, `visualizer.visBackends[${index}]`, saveDir);
  }

  /** Names of the backends, in order. */
  get backendNames(): string[] {
    return [...this.backends.keys()];
  }

  /** @throws E_VISUALIZER_BACKEND when there is none of that name */
  getBackend(name: string): VisBackend {
    const backend = this.backends.get(name);
    if (backend) return backend;
    throw new EngineError({
      code: 'E_VISUALIZER_BACKEND',
      what: `The visualizer has no backend '${name}'.`,
      expected: `one of ${listNames(this.backends.keys())}`,
      didYouMean: nearest(name, this.backends.keys()),
      fix: `add { type: '…', name: '${name}' } to visualizer.visBackends`,
    });
  }

  addConfig(config: ConfigContent): void {
    this.each('addConfig', (backend) => backend.addConfig?.(config));
  }

  addGraph(model: unknown, dataBatch: unknown): void {
    this.each('addGraph', (backend) => backend.addGraph?.(model, dataBatch));
  }

  /** @param image uint8, [H, W, 1 | 3 | 4] or [H, W], RGB */
  addImage(name: string, image: HostArray, step = 0): void {
    this.each('addImage', (backend) => backend.addImage?.(name, image, step));
  }

  addScalar(name: string, value: ScalarValue, step = 0): void {
    this.each('addScalar', (backend) =>
      backend.addScalar
        ? backend.addScalar(name, value, step)
        : backend.addScalars({ [name]: value }, { step }),
    );
  }

  /** `scalars` is not changed; a `step` in it wins over that of the options. */
  addScalars(scalars: Readonly<Record<string, unknown>>, options: AddScalarsOptions = {}): void {
    this.each('addScalars', (backend) => backend.addScalars(scalars, options));
  }

  /** Shows a sample with its annotation and prediction; does nothing here, visualizers of a task override it. */
  addDatasample(
    _name: string,
    _image: HostArray,
    _dataSample?: unknown,
    _options?: AddDatasampleOptions,
  ): void {}

  /** Hands over what waits in memory, and waits for calls under way. */
  async flush(): Promise<void> {
    this.each('flush', (backend) => backend.flush?.());
    await Promise.all(this.pending);
  }

  /** Closes every backend; waits for calls under way. */
  async close(): Promise<void> {
    await Promise.all(this.pending);
    this.each('close', (backend) => backend.close?.());
    await Promise.all(this.pending);
  }

  private addBackend(item: unknown, path: string, saveDir: string | undefined): void {
    if (!isComponentConfig(item)) {
      const ready = item as Partial<VisBackend> | null | undefined;
      if (typeof ready?.addScalars !== 'function') {
        throw badValue(path, item, "a backend config such as { type: 'LocalVisBackend' }, or a backend");
      }
      this.keep(ready.constructor?.name ?? 'backend', ready as VisBackend, path);
      return;
    }
    const { name, ...config } = item as ComponentConfig & { name?: string };
    const entry = typeof config.type === 'string' ? VISBACKENDS.get(config.type) : config.type;
    const { needsSaveDir } = (entry ?? {}) as { needsSaveDir?: boolean };
    const typeName = typeof config.type === 'string' ? config.type : config.type.name;
    if (needsSaveDir && saveDir === undefined && config['saveDir'] === undefined) {
      this.warn(
        `The visual backend ${typeName} is left out: it needs a folder, and neither it nor the visualizer has a saveDir.`,
      );
      return;
    }
    const defaults = saveDir === undefined ? {} : { saveDir };
    this.keep(
      name ?? typeName,
      VISBACKENDS.build<VisBackend>(config as ComponentConfig, { defaults, path }),
      path,
    );
  }

  private keep(name: string, backend: VisBackend, path: string): void {
    if (this.backends.has(name)) {
      throw new EngineError({
        code: 'E_VISUALIZER_DUPLICATE',
        what: `Two visual backends have the name '${name}'.`,
        received: path,
        fix: "give one of them another `name`, such as { type: 'LocalVisBackend', name: 'second', saveDir: '…' }",
        exitCode: 2,
      });
    }
    this.backends.set(name, backend);
  }

  private each(
    method: keyof VisBackend,
    call: (backend: VisBackend) => void | Promise<void> | undefined,
  ): void {
    for (const [name, backend] of this.backends) {
      try {
        const result = call(backend);
        if (result instanceof Promise) this.follow(name, method, result);
      } catch (error) {
        this.report(name, method, error);
      }
    }
  }

  private follow(name: string, method: string, result: Promise<void>): void {
    const settled = result
      .catch((error: unknown) => {
        this.report(name, method, error);
      })
      .finally(() => {
        this.pending.delete(settled);
      });
    this.pending.add(settled);
  }

  private report(name: string, method: string, error: unknown): void {
    const key = `${name}.${method}`;
    if (this.reported.has(key)) return;
    this.reported.add(key);
    const reason = error instanceof Error ? error.message : String(error);
    this.warn(
      `The visual backend '${name}' failed in ${method}; the run goes on, later failures of this kind are not shown. ${reason}`,
    );
  }

  private warn(message: string): void {
    (this.logger ?? LOGGERS.getInstance('engine')).warn(message);
  }
}

export interface AddDatasampleOptions {
  /** Draw the annotation. Default true. */
  drawGt?: boolean | undefined;
  /** Draw the prediction. Default true. */
  drawPred?: boolean | undefined;
  step?: number | undefined;
}
