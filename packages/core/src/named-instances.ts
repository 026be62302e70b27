import { EngineError, show } from './errors.js';
import { listNames, nearest } from './suggest.js';

/**
 * A table of named instances of one kind: the same name gives the same instance. The table belongs to whoever made it
 * and goes away with it, so two runs with the same experiment name do not share loggers by accident.
 */
export class NamedInstances<T, Options extends object = object> {
  private readonly instances = new Map<string, T>();
  private newest: string | undefined;

  /**
   * @param kind what the instances are, for messages: `Logger`
   * @param create makes the instance of a name at its first use
   */
  constructor(
    readonly kind: string,
    private readonly create: (name: string, options: Options | undefined) => T,
  ) {}

  /**
   * The instance of that name, made at the first call.
   * @param options for making it
   * @throws E_INSTANCE_NAME for an empty name; E_INSTANCE_EXISTS when `options` come too late
   */
  getInstance(name: string, options?: Options): T {
    if (typeof name !== 'string' || name === '') {
      throw new EngineError({
        code: 'E_INSTANCE_NAME',
        what: `The name of a ${this.kind} must be a non-empty string.`,
        received: show(name),
      });
    }
    if (this.instances.has(name)) {
      if (options === undefined) return this.instances.get(name)!;
      throw new EngineError({
        code: 'E_INSTANCE_EXISTS',
        what: `The ${this.kind} '${name}' exists already, its options cannot change.`,
        received: show(options),
        fix: 'leave the options out to get the existing one, or use another name',
      });
    }
    const made = this.create(name, options);
    this.instances.set(name, made);
    this.newest = name;
    return made;
  }

  /** The instance that was made last, if any is left. */
  get current(): T | undefined {
    return this.newest === undefined ? undefined : this.instances.get(this.newest);
  }

  has(name: string): boolean {
    return this.instances.has(name);
  }

  /** @throws E_INSTANCE_UNKNOWN when there is none of that name */
  require(name: string): T {
    if (this.instances.has(name)) return this.instances.get(name)!;
    throw new EngineError({
      code: 'E_INSTANCE_UNKNOWN',
      what: `There is no ${this.kind} named '${name}'.`,
      received: show(name),
      expected: `one of ${listNames(this.instances.keys())}`,
      didYouMean: nearest(name, this.instances.keys()),
    });
  }

  names(): string[] {
    return [...this.instances.keys()];
  }

  /** Forgets one instance; `current` is then the newest of the others. */
  delete(name: string): boolean {
    const found = this.instances.delete(name);
    if (this.newest === name) this.newest = this.names().at(-1);
    return found;
  }

  clear(): void {
    this.instances.clear();
    this.newest = undefined;
  }
}
