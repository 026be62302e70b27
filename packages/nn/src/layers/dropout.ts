import { MODELS, RandomStream, badValue, checkKeys, register } from '@engine/core';
import { dropout, type Tensor } from '@engine/tensor';

import { Module, type ModuleOptions } from '../module.js';

export interface DropoutOptions extends ModuleOptions {
  /** Probability of a value to be dropped, 0 to below 1; 0.5 unless said. */
  p?: number;
  /** Names the random masks together with the number of the call; 0 unless said. Give each layer its own. */
  seed?: number;
}

declare module '@engine/core' {
  interface ModelTypes {
    Dropout: DropoutOptions;
  }
}

/**
 * While training, sets each value to 0 with probability p and divides the rest by 1 - p (N. Srivastava et al. 2014);
 * in evaluation returns its input. The mask is a pure function of the seed and the number of the call, which is part
 * of `extraState`, so that a resumed run draws the same masks.
 */
@register(MODELS)
export class Dropout extends Module {
  readonly p: number;
  private seed: number;
  private path = '';
  private calls = 0;

  constructor(options: DropoutOptions = {}) {
    checkKeys('Dropout', options, ['p', 'seed', 'initCfg']);
    super(options);
    const { p = 0.5, seed = 0 } = options;
    if (!(p >= 0 && p < 1)) throw badValue('Dropout.p', p, 'a number from 0 to below 1');
    this.p = p;
    this.seed = seed;
  }

  /** Takes the name of its stream from the model's seed and its own place in the model. */
  override resetParameters(stream: (leaf: string) => RandomStream): void {
    this.path = String(stream('dropout').uint32());
  }

  protected override ownExtraState(): unknown {
    return { calls: this.calls, path: this.path };
  }

  protected override loadOwnExtraState(state: unknown): void {
    const { calls, path } = state as { calls: number; path: string };
    this.calls = calls;
    this.path = path;
  }

  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x.clone();
    const [first, second] = RandomStream.of(this.seed, 'dropout', this.path).state;
    return dropout(x, { p: this.p, key: [first >>> 0, second >>> 0], call: this.calls++ });
  }
}
