import { EVENTS, type EventName, type EventPayloads } from './events.js';
import { handlerOf, type HookMethods } from './hook.js';
import { priorityName, priorityOf, type Priority } from './priority.js';
import type { Run } from './run.js';

type Handler = NonNullable<ReturnType<typeof handlerOf>>;

interface Seat {
  hook: HookMethods;
  priority: number;
}

/** Name of a hook for listings and state: its class. */
export function hookName(hook: HookMethods): string {
  return hook.stateKey ?? hook.constructor.name;
}

/**
 * Holds the hooks of a run in order and calls them. Hooks with equal priority keep the order in which they came. The
 * handlers of each event are gathered once, so that emitting an event nobody listens to costs one look-up.
 */
export class HookBus {
  private seats: Seat[] = [];
  private handlers = new Map<string, Handler[]>();

  get hooks(): readonly HookMethods[] {
    return this.seats.map((seat) => seat.hook);
  }

  /** Adds a hook after those of equal priority. */
  add(hook: HookMethods, priority: Priority = hook.priority ?? 'NORMAL'): void {
    const value = priorityOf(priority);
    let at = this.seats.length;
    while (at > 0 && this.seats[at - 1]!.priority > value) at--;
    this.seats.splice(at, 0, { hook, priority: value });
    this.handlers.clear();
  }

  /** Calls every hook that listens to `event`, one after the other. Returns a promise only when a hook did. */
  emit<E extends EventName>(event: E, run: Run, payload?: EventPayloads[E]): void | Promise<void> {
    return this.call(event, run, payload);
  }

  /** {@link emit} for any stage, such as one that only a custom loop has. */
  call(event: string, run: Run, payload?: unknown): void | Promise<void> {
    const handlers = this.handlers.get(event) ?? this.gather(event);
    for (let i = 0; i < handlers.length; i++) {
      const pending = handlers[i]!(run, payload);
      if (pending !== undefined) return this.emitRest(handlers, i + 1, pending, run, payload);
    }
  }

  private async emitRest(
    handlers: Handler[],
    from: number,
    pending: Promise<void>,
    run: Run,
    payload: unknown,
  ): Promise<void> {
    await pending;
    for (let i = from; i < handlers.length; i++) await handlers[i]!(run, payload);
  }

  private gather(event: string): Handler[] {
    const handlers: Handler[] = [];
    for (const { hook } of this.seats) {
      const handler = handlerOf(hook, event);
      if (handler) handlers.push(handler);
    }
    this.handlers.set(event, handlers);
    return handlers;
  }

  /** The table of hooks per event, as printed at the start of a run. */
  describe(): string {
    const blocks: string[] = [];
    for (const event of EVENTS) {
      const rows = this.seats
        .filter(({ hook }) => handlerOf(hook, event) !== undefined)
        .map(
          ({ hook, priority }) =>
            `(${priorityName(priority).padEnd(12)}) ${hook.constructor.name.padEnd(35)}`,
        );
      if (rows.length > 0) blocks.push(`${event}:\n${rows.join('\n')}\n -------------------- `);
    }
    return `Hooks will be executed in the following order:\n${blocks.join('\n')}`;
  }
}
