import {
  badValue,
  checkKeys,
  configOf,
  DATASETS,
  EngineError,
  register,
  TRANSFORMS,
  type ComponentConfig,
  type Registry,
  type TransformTypes,
} from '@engine/core';
import { readAnnotations } from './annotation-file.js';
import { asDataInfos, joinPrefixes } from './annotations.js';
import { Compose, type TransformLike } from './compose.js';
import { joinData, locateRoot, missingData } from './data-paths.js';
import type { Dataset, Metainfo } from './dataset.js';
import {
  ListStore,
  resolveIndex,
  resolveIndices,
  SerializedStore,
  type DataInfo,
  type Indices,
  type ItemStore,
} from './item-store.js';
import { mergeMetainfo } from './metainfo.js';
import { sampleContext, type SampleContext } from './sample-context.js';

export interface BaseDatasetOptions {
  /** Annotation file, joined to `dataRoot`. Default none. */
  annFile?: string;
  /** Facts that win over those of the class and of the annotation file. */
  metainfo?: Metainfo;
  /** Folder of the data; looked for below ENGINE_DATA_ROOT when it is relative and not there. Default ''. */
  dataRoot?: string;
  /** Folder per key of an annotation, joined to `dataRoot` and put before that key's value. Default `{ imgPath: '' }`. */
  dataPrefix?: Record<string, string>;
  /** For `filterData` of subclasses. */
  filterCfg?: Record<string, unknown>;
  /** Use only these: the first n, the last n (negative), or a list. Default all. */
  indices?: Indices;
  /** Keep the annotations in one SharedArrayBuffer, which worker threads share. Default true. */
  serializeData?: boolean;
  /** Transforms of each item. Default none. */
  pipeline?: readonly TransformLike[];
  /** An item that the pipeline drops is an error instead of being replaced by another one. Default false. */
  testMode?: boolean;
  /** Read nothing before `fullInit` is called (or data are needed, with a warning). Default false. */
  lazyInit?: boolean;
  /** How many other items may be tried in place of one that the pipeline drops. Default 1000. */
  maxRefetch?: number;
}

/** Option names of {@link BaseDataset}, for subclasses that check theirs. */
export const BASE_DATASET_OPTIONS = [
  'annFile',
  'metainfo',
  'dataRoot',
  'dataPrefix',
  'filterCfg',
  'indices',
  'serializeData',
  'pipeline',
  'testMode',
  'lazyInit',
  'maxRefetch',
] as const;

/**
 * A dataset of annotations with a pipeline of transforms. Subclasses override {@link loadDataList} (or
 * {@link parseDataInfo}), {@link filterData}, {@link getCatIds}.
 *
 * Nothing is read by the constructor: a subclass's fields do not exist yet while it runs. Data are read by
 * {@link fullInit}, which loaders call when they are built, or by the first access that needs them.
 */
@register(DATASETS, { from: '@engine/data' })
export class BaseDataset implements Dataset {
  /** Facts about every dataset of a class. */
  static METAINFO: Metainfo = {};

  readonly annFile: string;
  readonly dataRoot: string;
  readonly dataPrefix: Readonly<Record<string, string>>;
  readonly filterCfg: Readonly<Record<string, unknown>> | undefined;
  readonly serializeData: boolean;
  readonly testMode: boolean;
  readonly maxRefetch: number;
  protected readonly lazyInit: boolean;
  protected readonly pipelineConfig: readonly TransformLike[];
  private readonly given: Metainfo;
  private readonly wanted: Indices | undefined;
  private facts: Metainfo;
  private store: ItemStore | undefined;
  private composed: Compose | undefined;
  private origin: ComponentConfig | undefined;

  /** @param known names of the options that a subclass adds */
  constructor(options: BaseDatasetOptions = {}, known: readonly string[] = []) {
    const owner = new.target.name;
    checkKeys(owner, options, [...BASE_DATASET_OPTIONS, ...known]);
    const { dataPrefix = { imgPath: '' }, metainfo = {}, maxRefetch = 1000 } = options;
    if (typeof metainfo !== 'object' || metainfo === null || Array.isArray(metainfo)) {
      throw badValue(`${owner}.metainfo`, metainfo, 'an object');
    }
    if (!Number.isSafeInteger(maxRefetch) || maxRefetch < 0) {
      throw badValue(`${owner}.maxRefetch`, maxRefetch, 'an integer >= 0');
    }
    const annFile = options.annFile ?? '';
    this.dataRoot = locateRoot(options.dataRoot ?? '', annFile);
    this.annFile = joinData(this.dataRoot, annFile);
    this.dataPrefix = Object.fromEntries(
      Object.entries(dataPrefix).map(([key, prefix]: [string, unknown]) => {
        if (typeof prefix !== 'string') throw badValue(`${owner}.dataPrefix.${key}`, prefix, 'a string');
        return [key, prefix === '' ? this.dataRoot : joinData(this.dataRoot, prefix)];
      }),
    );
    this.filterCfg = options.filterCfg;
    this.serializeData = options.serializeData ?? true;
    this.testMode = options.testMode ?? false;
    this.maxRefetch = maxRefetch;
    this.lazyInit = options.lazyInit ?? false;
    this.pipelineConfig = options.pipeline ?? [];
    this.wanted = options.indices;
    this.given = metainfo;
    this.facts = mergeMetainfo({}, new.target.METAINFO, metainfo);
  }

  get length(): number {
    return this.items.length;
  }

  /** Facts about the dataset; a copy. Those of the annotation file are there once it has been read. */
  get metainfo(): Metainfo {
    if (!this.lazyInit) this.fullInit();
    return structuredClone(this.facts);
  }

  /** The transforms of each item, built on first use. */
  get pipeline(): Compose {
    return (this.composed ??= new Compose(this.pipelineConfig, this.transformRegistry()));
  }

  get fullyInitialized(): boolean {
    return this.store !== undefined;
  }

  /**
   * Reads the annotations, filters them, takes `indices`, serialises them. Idempotent.
   * @throws E_DATA_MISSING, E_DATA_ANNOTATION
   */
  fullInit(): void {
    if (this.store) return;
    const loaded = this.loadStore();
    this.store =
      this.wanted === undefined
        ? loaded
        : loaded.select(resolveIndices(this.constructor.name, this.wanted, loaded.length));
    // Building the pipeline here makes a wrong config fail before the first batch.
    void this.pipeline;
  }

  /** The annotation at `index` (negative from the end) with `sampleIdx`, its place from 0; a copy. */
  getDataInfo(index: number): DataInfo {
    const { items } = this;
    const at = resolveIndex(this.constructor.name, index, items.length);
    const info = items.get(at);
    info['sampleIdx'] = at;
    return info;
  }

  /**
   * The item at `index` after the pipeline. One that the pipeline drops is replaced by another, drawn from the
   * sample's stream; in `testMode` that is an error.
   *
   * @throws E_DATA_EMPTY when the pipeline drops the item (`testMode`), or every one of `maxRefetch + 1` tried
   */
  getItem(index: number, context: SampleContext = sampleContext(index)): unknown {
    let at = index;
    for (let tries = 0; ; tries++) {
      const item = this.pipeline.transform(this.getDataInfo(at), context);
      if (item instanceof Promise) return this.finish(item, tries, context);
      if (item !== null && item !== undefined) return item;
      at = this.another(index, tries, context);
    }
  }

  /** Class indices that occur in an item; for samplers that balance classes. Subclasses with classes override it. */
  getCatIds(index: number): readonly number[] {
    void index;
    throw new EngineError({
      code: 'E_DATA_NO_CLASSES',
      what: `${this.constructor.name} does not say which classes its items have.`,
      fix: 'override getCatIds(index) in the dataset',
    });
  }

  /** A new dataset of some of the items; see {@link Indices}. Annotations of others are not copied. */
  getSubset(indices: Indices): this {
    const subset = Object.assign(Object.create(Object.getPrototypeOf(this) as object) as this, this);
    subset.store = this.items.select(resolveIndices(this.constructor.name, indices, this.items.length));
    subset.facts = structuredClone(this.facts);
    subset.origin = this.workerConfig();
    return subset;
  }

  /** Keeps only some of the items; see {@link Indices}. `sampleIdx` counts anew. */
  getSubset_(indices: Indices): void {
    this.store = this.items.select(resolveIndices(this.constructor.name, indices, this.items.length));
  }

  workerConfig(): ComponentConfig | undefined {
    return this.origin ?? configOf(this);
  }

  exportShared(): unknown {
    return { items: this.items.share(), facts: this.facts };
  }

  importShared(state: unknown): void {
    const { items, facts } = state as { items: unknown; facts: Metainfo };
    this.facts = facts;
    this.store = this.restoreStore(items);
  }

  /**
   * The annotations as loaded. The default reads `annFile`.
   * @throws E_DATA_MISSING when there is none
   */
  protected loadDataList(): DataInfo[] {
    if (this.annFile === '') {
      throw missingData(
        `${this.constructor.name} has no annotation file.`,
        [],
        'give annFile, or override loadDataList() in the dataset',
      );
    }
    const { metainfo, dataList } = readAnnotations(this.annFile);
    this.learn(metainfo);
    return dataList.flatMap((raw) => asDataInfos(this.source, this.parseDataInfo(raw)));
  }

  /** Takes facts that were read with the data; those of the class and of the options win over them. */
  protected learn(metainfo: Metainfo): void {
    this.facts = mergeMetainfo(metainfo, (this.constructor as typeof BaseDataset).METAINFO, this.given);
  }

  /** One entry of the annotation file as one annotation or several. The default puts `dataPrefix` before paths. */
  protected parseDataInfo(raw: unknown): DataInfo | DataInfo[] {
    return joinPrefixes(this.source, raw, this.dataPrefix);
  }

  /** The annotations worth keeping; all unless overridden. */
  protected filterData(list: DataInfo[]): DataInfo[] {
    return list;
  }

  /** The items, before `indices` are taken. For datasets that hold them in a form of their own. */
  protected loadStore(): ItemStore {
    const list = this.filterData(this.loadDataList());
    return this.serializeData ? SerializedStore.from(list) : new ListStore(list);
  }

  /** The store that {@link ItemStore.share} described. */
  protected restoreStore(shared: unknown): ItemStore {
    return this.serializeData ? SerializedStore.of(shared) : ListStore.of(shared);
  }

  /** Where plain names in the pipeline are looked up; a library's datasets give its own registry. */
  protected transformRegistry(): Registry<unknown, TransformTypes> {
    return TRANSFORMS;
  }

  /** The items, read now if they were not before. */
  protected get items(): ItemStore {
    if (!this.store) {
      if (this.lazyInit) {
        process.emitWarning(
          `${this.constructor.name} is read now because its data are needed; call fullInit() first.`,
          {
            type: 'EngineWarning',
            code: 'W_DATA_LAZY',
          },
        );
      }
      this.fullInit();
    }
    return this.store!;
  }

  private async finish(pending: Promise<unknown>, tries: number, context: SampleContext): Promise<unknown> {
    let item: unknown = await pending;
    for (let tried = tries; item === null || item === undefined; tried++) {
      const at = this.another(context.index, tried, context);
      item = await this.pipeline.transform(this.getDataInfo(at), context);
    }
    return item;
  }

  /** The index to try after one was dropped. */
  private another(index: number, tries: number, context: SampleContext): number {
    if (this.testMode || tries >= this.maxRefetch) {
      throw new EngineError({
        code: 'E_DATA_EMPTY',
        what: this.testMode
          ? `The pipeline of ${this.constructor.name} dropped sample ${index}, which testMode does not allow.`
          : `The pipeline of ${this.constructor.name} dropped sample ${index} and ${tries} others tried in its place.`,
        expected: 'a sample',
        fix: this.testMode
          ? 'remove the transform that drops samples, or filter them in filterData'
          : 'check the pipeline, or raise maxRefetch',
      });
    }
    return context.rng.int(this.length);
  }

  /** The dataset in error messages. */
  private get source(): string {
    return `${this.constructor.name}${this.annFile ? ` in ${this.annFile}` : ''}`;
  }
}

declare module '@engine/core' {
  interface DatasetTypes {
    BaseDataset: BaseDatasetOptions;
  }
}
