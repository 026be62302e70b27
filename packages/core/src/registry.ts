import { buildFromConfig, type BuildFunction, type BuildOptions } from './build.js';
import { EngineError, show } from './errors.js';
import { importLocation, type Location } from './locations.js';
import { fixForUnknown } from './providers.js';
import { captureSite, siteOf, type RegistrationSite } from './registration-site.js';
import { setSchema, type StandardSchema } from './schema/standard-schema.js';
import { currentScope } from './scope.js';
import { listNames, nearest } from './suggest.js';
import type { ComponentConfig, ConfigOf } from './types.js';

/** What a registry may hold: a class or a function. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Entry = (abstract new (...args: any[]) => unknown) | ((...args: any[]) => unknown);

export interface RegistryOptions {
  /** Registry to fall back to for names that are not found here. */
  parent?: Registry<unknown, object>;
  /** Scope of this registry; `engine` for roots. */
  scope?: string;
  /** How `build` turns a config into an object; the parent's unless said. */
  build?: BuildFunction;
  /** Modules that register entries, imported when a name is first looked up here that is not there. */
  locations?: readonly Location[];
}

export interface AddOptions {
  /** Further names for the same entry. */
  aliases?: readonly string[];
  /** Replace an entry that has the same name. */
  force?: boolean;
  /** Checks the options before the part is built: any Standard Schema (zod, valibot, ArkType, …). */
  schema?: StandardSchema;
  /** Package that provides the entry, for listings and conflict messages. */
  from?: string;
}

/** One line of a registry's listing. */
export interface RegistryRow {
  name: string;
  scope: string;
  entry: Entry;
  from?: string | undefined;
}

interface Registered {
  entry: Entry;
  from?: string | undefined;
  site: Error;
}

/** `Lion from @engine/optim-lion@0.1.0`, as far as that is known. */
function described(entry: Entry, from: string | undefined, site: Error): string {
  const source = siteOf(site).package ?? from;
  return `${entry.name || '(anonymous)'}${source ? ` from ${source}` : ''}`;
}

/**
 * A named table of classes and functions that configs refer to by `type`.
 *
 * Registries form a tree of scopes. A plain name is looked up here and then upwards; `scope.Name` asks that scope
 * (below this registry, else from the root); siblings are never searched for a plain name.
 *
 * @typeParam T what the entries build
 * @typeParam Types interface that maps the known names to their options; packages extend it by declaration merging
 */
export class Registry<T, Types extends object = object> {
  readonly name: string;
  readonly scope: string;
  readonly parent: Registry<T, Types> | undefined;
  readonly children = new Map<string, Registry<T, Types>>();
  private readonly entries = new Map<string, Registered>();
  private readonly ownBuild: BuildFunction | undefined;
  private locations: Location[];
  /** What the first of them threw that could not be imported. */
  private failure: EngineError | undefined;

  constructor(name: string, options: RegistryOptions = {}) {
    this.name = name;
    this.scope = options.scope ?? 'engine';
    this.parent = options.parent as Registry<T, Types> | undefined;
    this.ownBuild = options.build;
    this.locations = [...(options.locations ?? [])];
    if (this.parent) {
      if (this.parent.children.has(this.scope)) {
        throw new EngineError({
          code: 'E_REGISTRY_SCOPE_TAKEN',
          what: `The registry ${name} already has a child with the scope '${this.scope}'.`,
          fix: `use extendRegistries('${this.scope}'), which returns the existing one`,
        });
      }
      this.parent.children.set(this.scope, this);
    }
  }

  get root(): Registry<T, Types> {
    return this.parent ? this.parent.root : this;
  }

  /** The build function in force: this registry's, or the nearest ancestor's. */
  get buildFunction(): BuildFunction {
    return this.ownBuild ?? this.parent?.buildFunction ?? buildFromConfig;
  }

  /** Number of names in this registry itself, aliases included. */
  get size(): number {
    return this.entries.size;
  }

  /**
   * Records a class or a function under a name (and aliases).
   * @returns the entry, so that the call can be an export
   * @throws E_REGISTRY_DUPLICATE when the name is taken and `force` is not set
   */
  add<E extends Entry>(name: string, entry: E, options: AddOptions = {}): E {
    if (typeof entry !== 'function') {
      throw new EngineError({
        code: 'E_REGISTRY_ENTRY',
        what: `'${name}' cannot be registered in ${this.name}: only classes and functions can.`,
        received: show(entry),
        expected: 'a class or a function',
      });
    }
    const site = captureSite();
    for (const key of [name, ...(options.aliases ?? [])]) {
      if (typeof key !== 'string' || key === '') {
        throw new EngineError({
          code: 'E_REGISTRY_NAME',
          what: `A name in the registry ${this.name} must be a non-empty string.`,
          received: show(key),
          fix: 'give the name explicitly: @register(REGISTRY, { name: "MyPart" }) or REGISTRY.add("MyPart", MyPart)',
        });
      }
      const known = this.entries.get(key);
      if (known && known.entry !== entry && !options.force) {
        throw new EngineError({
          code: 'E_REGISTRY_DUPLICATE',
          what: `'${key}' is already registered in ${this.name} (scope '${this.scope}').`,
          received: described(entry, options.from, site),
          expected: `a name other than that of ${described(known.entry, known.from, known.site)}`,
          fix: 'choose another name, or pass { force: true } to replace the first one',
        });
      }
      this.entries.set(key, { entry, from: options.from, site });
    }
    if (options.schema) setSchema(entry, options.schema);
    return entry;
  }

  /** File and package that registered a name of this registry itself. */
  siteOf(name: string): RegistrationSite {
    const known = this.entries.get(name);
    return known ? siteOf(known.site) : {};
  }

  /** Removes a name from this registry itself. */
  remove(name: string): boolean {
    return this.entries.delete(name);
  }

  /** The entry called `name`, or undefined. See the class for the order of search. */
  get(name: string): Entry | undefined {
    const dot = name.indexOf('.');
    if (dot < 0) return this.getPlain(name);
    const scope = name.slice(0, dot);
    const rest = name.slice(dot + 1);
    if (scope === this.scope) return this.getOwn(rest) ?? this.descend(rest);
    const child = this.children.get(scope);
    if (child) return child.get(rest);
    return this.parent ? this.root.get(name) : this.getOwn(name);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /**
   * Like {@link get}, but an unknown name is an error that lists near names.
   * @param path of the config that asks, and `where` its `type` was written, for the message
   * @throws E_REGISTRY_UNKNOWN, E_REGISTRY_LOCATION when a module that may have it cannot be imported
   */
  require(name: string, path?: string, where?: string): Entry {
    const entry = this.get(name);
    if (entry) return entry;
    const failure = this.failureFor(name);
    if (failure) throw failure;
    const known = this.visibleNames();
    throw new EngineError({
      code: 'E_REGISTRY_UNKNOWN',
      what: `'${name}' is not in the registry ${this.name} (scope '${this.scope}').`,
      received: `${path ? `${path}.type` : 'type'} = '${name}'`,
      where,
      expected: known.length ? `one of ${listNames(known)}` : 'a registered name, but the registry is empty',
      didYouMean: nearest(name, known),
      fix: fixForUnknown(this.name, name, known.length === 0),
      exitCode: 2,
    });
  }

  /**
   * Builds an object from a config whose `type` names an entry (or is a class or function itself).
   * An object that is not a config passes `isConfig` first: hand only configs to this method.
   */
  build<R = T>(config: ConfigOf<Types> | ComponentConfig, options: BuildOptions = {}): R {
    return this.atScope(currentScope()).buildFunction(
      config,
      this.atScope(currentScope()) as Registry<unknown, object>,
      options,
    ) as R;
  }

  /** The registry of this kind for a scope, found from the root; this registry itself when there is none. */
  atScope(scope: string | undefined): Registry<T, Types> {
    if (scope === undefined || scope === this.scope) return this;
    return this.root.find(scope) ?? this;
  }

  private find(scope: string): Registry<T, Types> | undefined {
    if (scope === this.scope) return this;
    const direct = this.children.get(scope);
    if (direct) return direct;
    for (const child of this.children.values()) {
      const found = child.find(scope);
      if (found) return found;
    }
    return undefined;
  }

  /** Every entry of this registry and, unless `own`, of the scopes below it. */
  list(own = false): RegistryRow[] {
    const rows: RegistryRow[] = [...this.entries].map(([name, { entry, from }]) => ({
      name,
      scope: this.scope,
      entry,
      from,
    }));
    if (!own) for (const child of this.children.values()) rows.push(...child.list());
    return rows;
  }

  /**
   * Adds modules that register entries of this registry. Nothing is imported before a name is looked up that is not
   * there; then all are, once, in this order. One that cannot be imported leaves the others be; what it says is the
   * error of {@link require} when a name is not found anywhere.
   */
  addLocations(...locations: readonly Location[]): void {
    this.locations.push(...locations);
  }

  private getOwn(name: string): Entry | undefined {
    const known = this.entries.get(name);
    if (known || this.locations.length === 0) return known?.entry;
    // Taken first, for what is imported may look something up itself.
    const locations = this.locations;
    this.locations = [];
    for (const location of locations) {
      try {
        importLocation(location, this.name);
      } catch (error) {
        this.failure ??= error as EngineError;
      }
    }
    return this.entries.get(name)?.entry;
  }

  /** Why a name may be missing: a module that could not be imported, here, above, or in the scope that was named. */
  private failureFor(name: string): EngineError | undefined {
    const scoped = name.includes('.') ? this.root.find(name.slice(0, name.indexOf('.'))) : undefined;
    return scoped?.failure ?? this.failure ?? this.parent?.failureFor(name);
  }

  private getPlain(name: string): Entry | undefined {
    return this.getOwn(name) ?? this.parent?.getPlain(name);
  }

  private descend(name: string): Entry | undefined {
    const dot = name.indexOf('.');
    return dot < 0 ? undefined : this.children.get(name.slice(0, dot))?.get(name.slice(dot + 1));
  }

  /** Names that a config at this scope may write: own and inherited plain, others with their scope. */
  private visibleNames(): string[] {
    const names = new Set<string>();
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    for (let at: Registry<T, Types> | undefined = this; at; at = at.parent) {
      for (const key of at.entries.keys()) names.add(key);
    }
    for (const row of this.root.list()) {
      if (!names.has(row.name)) names.add(`${row.scope}.${row.name}`);
    }
    return [...names];
  }
}
