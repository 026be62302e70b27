import type { UpdateElementsAttrs } from '@engine/tensor';

import { atenVoid } from '../aten.js';
import { kernel, on } from '../kernels/define.js';
import type { Storage } from '../storage.js';

/** Tensors of one call; more than fit are handed over in several. */
const LIMIT = 1 << 13;

kernel<UpdateElementsAttrs>('EngineUpdateElements', (inputs, attrs) => {
  const { fields, count, temporaries, code, constants, outputs } = attrs;
  const atOnce = Math.max(1, Math.floor(LIMIT / fields));
  for (let from = 0; from < count; from += atOnce) {
    const size = Math.min(atOnce, count - from);
    const tensors: Storage[] = [];
    for (let field = 0; field < fields; field++) {
      for (let i = from; i < from + size; i++) tensors.push(on(inputs[`x${field * count + i}`]));
    }
    atenVoid('engine::update_elements', tensors, fields, temporaries, code, constants, outputs);
  }
  return [];
});
