import { describe, expect, it } from 'vitest';
import { HistoryBuffer, lazyScalar, RandomStream, type LazyScalar } from './index.js';

/** A scalar on an imaginary device that counts what is done to it. */
function onDevice(value: number): LazyScalar & { reads: number; disposed: number } {
  const scalar = {
    reads: 0,
    disposed: 0,
    read: () => {
      scalar.reads++;
      return value;
    },
    dispose: () => {
      scalar.disposed++;
    },
  };
  return scalar;
}

function filled(values: readonly number[], maxLength?: number): HistoryBuffer {
  return new HistoryBuffer({ values, ...(maxLength === undefined ? {} : { maxLength }) });
}

describe('statistics', () => {
  it('are taken over the newest values', () => {
    const buffer = filled([5, 1, 4, 2]);
    expect([buffer.mean(), buffer.mean(2), buffer.max(2), buffer.min(3), buffer.current()]).toEqual([
      3, 3, 4, 1, 2,
    ]);
    expect(buffer.mean(100)).toBe(3);
  });

  it('divide sums by counts', () => {
    const buffer = new HistoryBuffer();
    buffer.update(10, 4);
    buffer.update(2, 2);
    expect([buffer.mean(), buffer.mean(1)]).toEqual([2, 1]);
  });

  it('do not exist without values, or under unknown names', () => {
    const buffer = new HistoryBuffer();
    for (const name of ['mean', 'max', 'min', 'current']) {
      expect(() => buffer.statistics(name), name).toThrow('E_HISTORY_EMPTY');
    }
    buffer.update(1);
    expect(() => buffer.statistics('maen')).toThrow(/E_HISTORY_STATISTIC.*did you mean 'mean'/s);
    expect(() => buffer.mean(0)).toThrow('E_CONFIG_VALUE');
  });

  it('can be added once per name', () => {
    const range = HistoryBuffer.registerStatistics(
      'range-test',
      (buffer, window) => buffer.max(window) - buffer.min(window),
    );
    expect(filled([5, 1, 4]).statistics('range-test', 2)).toBe(3);
    expect(HistoryBuffer.hasStatistic('range-test')).toBe(true);
    expect(() => HistoryBuffer.registerStatistics('range-test', range)).not.toThrow();
    expect(() => HistoryBuffer.registerStatistics('range-test', () => 1)).toThrow(
      'E_HISTORY_STATISTIC_TAKEN',
    );
    expect(() => HistoryBuffer.registerStatistics('mean', () => 1)).toThrow('E_HISTORY_STATISTIC_TAKEN');
  });
});

describe('length', () => {
  it('is bounded, the newest are kept, in order', () => {
    for (const maxLength of [1, 3, 64, 65, 100]) {
      const values = Array.from({ length: 250 }, (_, i) => i);
      const buffer = filled(values, maxLength);
      expect(buffer.length).toBe(maxLength);
      expect([...buffer.history.values]).toEqual(values.slice(-maxLength));
    }
  });

  it('grows past the first allocation without losing values', () => {
    const values = Array.from({ length: 1000 }, (_, i) => i * i);
    expect([...filled(values).history.values]).toEqual(values);
  });
});

describe('wrong input', () => {
  it('is refused', () => {
    expect(() => new HistoryBuffer().update('1' as never)).toThrow('E_HISTORY_VALUE');
    expect(() => new HistoryBuffer().update(1, '1' as never)).toThrow('E_HISTORY_VALUE');
    expect(() => new HistoryBuffer({ values: [1], counts: [] })).toThrow('E_CONFIG_VALUE');
    expect(() => new HistoryBuffer({ maxLength: 0 })).toThrow('E_CONFIG_VALUE');
    expect(() => new HistoryBuffer({ max: 3 } as never)).toThrow('E_CONFIG_UNKNOWN_KEY');
  });
});

describe('lazy values', () => {
  it('are read only when a statistic needs them, once, and then disposed', () => {
    const buffer = new HistoryBuffer();
    const scalars = [1, 2, 3, 4].map(onDevice);
    for (const scalar of scalars) buffer.update(scalar);
    expect(scalars.map((s) => s.reads)).toEqual([0, 0, 0, 0]);
    expect(buffer.mean(2)).toBe(3.5);
    expect(buffer.current()).toBe(4);
    expect(scalars.map((s) => [s.reads, s.disposed])).toEqual([
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 1],
    ]);
    expect(buffer.mean()).toBe(2.5);
    expect(scalars.map((s) => [s.reads, s.disposed])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    expect(buffer.pendingCount).toBe(0);
  });

  it('wait in bounded number, the oldest are read first', () => {
    const buffer = new HistoryBuffer({ maxPending: 4 });
    const scalars = [1, 2, 3, 4, 5].map(onDevice);
    for (const scalar of scalars) buffer.update(scalar);
    expect(scalars.map((s) => s.reads)).toEqual([1, 1, 1, 0, 0]);
    expect(buffer.pendingCount).toBe(2);
    expect([...buffer.history.values]).toEqual([1, 2, 3, 4, 5]);
  });

  it('that nobody asked for are disposed unread when they fall out', () => {
    const buffer = new HistoryBuffer({ maxLength: 2 });
    const scalars = [1, 2, 3].map(onDevice);
    for (const scalar of scalars) buffer.update(scalar);
    expect(scalars.map((s) => [s.reads, s.disposed])).toEqual([
      [0, 1],
      [0, 0],
      [0, 0],
    ]);
    expect(buffer.mean()).toBe(2.5);
  });

  it('mix with plain ones and survive growth', () => {
    const buffer = new HistoryBuffer({ maxPending: 1000 });
    for (let i = 0; i < 200; i++) buffer.update(i % 3 ? i : onDevice(i));
    expect([...buffer.history.values]).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('are disposed with the buffer', () => {
    const buffer = new HistoryBuffer();
    const scalar = onDevice(1);
    buffer.update(scalar);
    buffer.dispose();
    expect([scalar.reads, scalar.disposed]).toEqual([0, 1]);
  });

  it('are made from one-element tensors', () => {
    let gone = false;
    const scalar = lazyScalar({ dataSync: () => new Float32Array([2.5]), dispose: () => (gone = true) });
    expect(scalar.read()).toBe(2.5);
    scalar.dispose();
    expect(gone).toBe(true);
  });
});

describe('state', () => {
  it('is plain JSON of the newest values, and goes back in', () => {
    const buffer = new HistoryBuffer();
    buffer.update(1, 2);
    buffer.update(NaN);
    buffer.update(onDevice(-Infinity), 3);
    const state = JSON.parse(JSON.stringify(buffer.stateDict(2))) as ReturnType<HistoryBuffer['stateDict']>;
    expect(state).toEqual({
      values: ['NaN', '-Infinity'],
      counts: [1, 3],
      older: { length: 1, sum: 1, count: 2, min: 1, max: 1 },
    });
    const again = filled([9, 9, 9]);
    again.loadStateDict(state);
    expect([...again.history.values]).toEqual([NaN, -Infinity]);
    expect([...again.history.counts]).toEqual([1, 3]);
  });

  it('of an empty buffer is empty', () => {
    expect(new HistoryBuffer().stateDict(5)).toEqual({ values: [], counts: [] });
    expect(filled([1]).stateDict(0)).toEqual({ values: [], counts: [] });
  });

  it('gives the same statistics of everything, and of windows asked for, after any number of resumes', () => {
    const stream = RandomStream.of(3, 'history');
    const whole = new HistoryBuffer();
    let resumed = new HistoryBuffer();
    let epoch = 0;
    let saves = 0;
    for (let i = 0; i < 3000; i++) {
      const [value, count] = [stream.normal(), 1 + stream.int(3)];
      for (const buffer of [whole, resumed]) buffer.update(value, count);
      if (i % 700 === 0) epoch = i;
      if (i % 50 === 49) {
        // As log lines ask: since the epoch began, over a fixed window, over all.
        for (const size of [i + 1 - epoch, 130, i + 1, undefined]) {
          for (const name of ['mean', 'min', 'max'] as const)
            expect(resumed[name](size), `${name} of ${size} at ${i}, epoch from ${epoch}`).toBe(
              whole[name](size),
            );
        }
      }
      if (stream.int(100) > 1) continue;
      saves++;
      const state = JSON.parse(JSON.stringify(resumed.stateDict(150))) as ReturnType<
        HistoryBuffer['stateDict']
      >;
      expect(state.values.length).toBeLessThan(1000);
      resumed = new HistoryBuffer();
      resumed.loadStateDict(state);
    }
    expect(saves).toBeGreaterThan(20);
    expect(resumed.length).toBeLessThan(1500);
  });

  it('keeps NaN in what has become a sum', () => {
    const buffer = filled([1, NaN, 3, 4]);
    const again = new HistoryBuffer();
    again.loadStateDict(JSON.parse(JSON.stringify(buffer.stateDict(1))) as never);
    expect([again.mean(), again.mean(1), again.length]).toEqual([NaN, 4, 1]);
  });

  it('forgets sums when so many values have come that the oldest would have fallen out', () => {
    const again = new HistoryBuffer({ maxLength: 4 });
    again.loadStateDict(filled([1, 2, 3]).stateDict(1));
    expect(again.mean()).toBe(2);
    again.update(6);
    expect(again.mean()).toBe(3);
    again.update(9);
    expect(again.mean()).toBe(6);
  });
});
