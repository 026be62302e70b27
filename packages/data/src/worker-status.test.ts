import { describe, expect, it } from 'vitest';
import { WorkerStatus } from './worker-status.js';

describe('WorkerStatus', () => {
  it('tells another thread what goes on', () => {
    const there = new WorkerStatus();
    const here = new WorkerStatus(there.memory);
    expect(there.read()).toEqual({ sample: undefined, part: undefined });
    here.sample(12);
    here.part('RandomCrop');
    here.part('Größe');
    expect(there.read()).toEqual({ sample: 12, part: 'Größe' });
    here.part('RandomCrop');
    expect(there.read().part).toBe('RandomCrop');
    here.sample(13);
    expect(there.read()).toEqual({ sample: 13, part: undefined });
    here.idle();
    expect(there.read().sample).toBeUndefined();
  });

  it('cuts long names, and forgets those that no longer fit', () => {
    const status = new WorkerStatus();
    status.part('x'.repeat(100));
    expect(status.read().part).toBe('x'.repeat(64));
    for (let i = 0; i < 100; i++) status.part(`part ${i}`);
    expect(status.read().part).toBeUndefined();
    status.part('part 3');
    expect(status.read().part).toBe('part 3');
  });
});
