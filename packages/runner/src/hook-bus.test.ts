import { describe, expect, it } from 'vitest';
import { HookBus } from './hook-bus.js';
import type { HookMethods } from './hook.js';
import type { Run } from './run.js';

const run = {} as Run;

function recorder(name: string, order: string[], priority?: HookMethods['priority']): HookMethods {
  return { ...(priority === undefined ? {} : { priority }), beforeRun: () => void order.push(name) };
}

describe('HookBus', () => {
  it('calls hooks by priority, and equal ones in the order they came', () => {
    const order: string[] = [];
    const bus = new HookBus();
    bus.add(recorder('low', order, 'LOW'));
    bus.add(recorder('first', order));
    bus.add(recorder('high', order, 'HIGH'));
    bus.add(recorder('second', order));
    bus.add(recorder('explicit', order, 'LOWEST'), 5);
    expect(bus.emit('beforeRun', run)).toBeUndefined();
    expect(order).toEqual(['explicit', 'high', 'first', 'second', 'low']);
  });

  it('waits for a hook that returns a promise before it calls the next', async () => {
    const order: string[] = [];
    const bus = new HookBus();
    bus.add({
      beforeRun: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push('slow');
      },
    });
    bus.add(recorder('after', order));
    const pending = bus.emit('beforeRun', run);
    expect(order).toEqual([]);
    await pending;
    expect(order).toEqual(['slow', 'after']);
  });

  it('calls hooks that were added after an event was first emitted', () => {
    const order: string[] = [];
    const bus = new HookBus();
    void bus.emit('beforeRun', run);
    bus.add(recorder('late', order));
    void bus.emit('beforeRun', run);
    expect(order).toEqual(['late']);
  });

  it('prints the table of hooks', () => {
    class ProbeHook implements HookMethods {
      beforeRun(): void {}
    }
    const bus = new HookBus();
    bus.add(new ProbeHook());
    expect(bus.describe()).toBe(
      'Hooks will be executed in the following order:\n' +
        'beforeRun:\n(NORMAL      ) ProbeHook                          \n -------------------- ',
    );
  });
});
