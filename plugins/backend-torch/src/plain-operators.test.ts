import { beforeAll, describe, expect, it } from 'vitest';

import { native } from './native.js';
import { missing, useTorch } from './torch.fixture.js';

// Operators of ours have a loop for the processor and a composition of libtorch's own, which is what runs on a GPU. The
// addon reads the variable when it is loaded, so these suites run again in this process, against the compositions.
process.env.ENGINE_TORCH_PLAIN = '1';

describe.skipIf(missing)('on any device', () => {
  beforeAll(useTorch);

  it('runs compositions', () => {
    expect(native().info().plain).toBe(true);
  });
});

await import('./accelerated/accelerated.test.js');
await import('./accelerated/update-elements.test.js');
await import('./train.test.js');
