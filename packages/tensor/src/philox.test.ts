import { describe, expect, it } from 'vitest';

import { philox, philoxWords, type Words4 } from './philox.js';

describe('philox', () => {
  // The known answers of the authors' Random123 for philox4x32, 10 rounds.
  it.each<[Words4, [number, number], Words4]>([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('counter %j, key %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox(counter, key, out);
    expect([...out]).toEqual(expected);
  });

  it('words come from blocks in order, and the number of the call is part of their counter', () => {
    const words = philoxWords(11, [1, 2], 3 * 4294967296 + 7);
    const block = new Uint32Array(4);
    philox([2, 0, 7, 3], [1, 2], block);
    expect(words).toHaveLength(11);
    expect([...words.subarray(8)]).toEqual([...block.subarray(0, 3)]);
  });
});
