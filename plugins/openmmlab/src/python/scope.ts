import type { SourceText } from './source.js';
import type { Origin, Value } from './values.js';

/** The names of a module, a call or a comprehension, and those around them. */
export class Scope {
  /** Names that a function declared as those of its module. */
  readonly shared = new Set<string>();
  /** Where names were assigned. */
  readonly origins = new Map<string, Origin>();

  /** @param source the file whose places errors name */
  constructor(
    readonly source: SourceText,
    readonly names: Map<string, Value> = new Map(),
    readonly outer?: Scope,
  ) {}

  get module(): Scope {
    return this.outer ? this.outer.module : this;
  }

  get(name: string): Value | undefined {
    if (this.shared.has(name)) return this.module.get(name);
    const own = this.names.get(name);
    return own === undefined ? this.outer?.get(name) : own;
  }

  set(name: string, value: Value, origin?: Origin): void {
    const scope = this.shared.has(name) ? this.module : this;
    scope.names.set(name, value);
    if (origin) scope.origins.set(name, origin);
  }

  delete(name: string): boolean {
    return (this.shared.has(name) ? this.module.names : this.names).delete(name);
  }

  /** All names that can be read here. */
  known(): string[] {
    return [...this.names.keys(), ...(this.outer?.known() ?? [])];
  }
}
