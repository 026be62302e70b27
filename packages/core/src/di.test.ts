import { describe, expect, it } from 'vitest';
import {
  createRunContainer,
  inject,
  injectedArguments,
  provide,
  Registry,
  resolve,
  serviceToken,
  tryResolve,
} from './index.js';

interface Clock {
  now(): number;
}
const CLOCK = serviceToken<Clock>('test/clock');
const fixed = (time: number): Clock => ({ now: () => time });

class Watch {
  constructor(
    readonly options: { zone?: string },
    @inject(CLOCK) readonly clock: Clock,
  ) {}
}

describe('injected services', () => {
  it('come after the options when a registry builds', () => {
    const parts = new Registry<unknown>('PARTS');
    const container = createRunContainer();
    provide(container, CLOCK, fixed(7));
    const watch = parts.build<Watch>({ type: Watch, zone: 'UTC' }, { container });
    expect([watch.options.zone, watch.clock.now()]).toEqual(['UTC', 7]);
  });

  it('reach parts that are built inside constructors', () => {
    const parts = new Registry<unknown>('PARTS');
    class Shelf {
      readonly watch: Watch = parts.build({ type: Watch });
    }
    const container = createRunContainer();
    provide(container, CLOCK, fixed(8));
    expect(parts.build<Shelf>({ type: Shelf }, { container }).watch.clock.now()).toBe(8);
  });

  it('are inherited by a subclass without a constructor', () => {
    class SmartWatch extends Watch {}
    const container = createRunContainer();
    provide(container, CLOCK, fixed(9));
    expect(injectedArguments(SmartWatch, container).get(1)).toBe(resolve(container, CLOCK));
  });

  it('can be asked for by a call, where parameter decorators do not exist', () => {
    class Plain {
      constructor(
        readonly options: object,
        readonly clock: Clock,
      ) {}
    }
    inject(CLOCK)(Plain, undefined, 1);
    const container = createRunContainer();
    provide(container, CLOCK, fixed(10));
    expect(new Registry<unknown>('PARTS').build<Plain>({ type: Plain }, { container }).clock.now()).toBe(10);
  });
});

it('keeps the services of runs apart', () => {
  const a = createRunContainer();
  const b = createRunContainer();
  provide(a, CLOCK, fixed(1));
  expect(tryResolve(a, CLOCK)?.now()).toBe(1);
  expect(tryResolve(b, CLOCK)).toBeUndefined();
  expect(() => resolve(b, CLOCK)).toThrow('E_SERVICE_MISSING');
  expect(() => new Registry<unknown>('PARTS').build({ type: Watch }, { container: b })).toThrow(
    "Watch asks for the service 'test/clock', which this run does not offer",
  );
});

it('gives one token per name, whichever copy of the package makes it', () => {
  expect(serviceToken('x').key).toBe(Symbol.for('@engine/service/x'));
});
