import { badValue, checkKeys } from '@engine/core';
import { requirePositiveInt, requireWithin } from './checks.js';

/** Dynamic loss scaling; names and values as `torch.cuda.amp.GradScaler`. */
export interface GradScalerOptions {
  /** First scale; 65536. */
  initScale?: number;
  /** The scale is multiplied by this after `growthInterval` steps without overflow; 2. */
  growthFactor?: number;
  /** And by this after an overflow; 0.5. */
  backoffFactor?: number;
  /** 2000. */
  growthInterval?: number;
}

/** What a checkpoint holds of a {@link GradScaler}. */
export interface GradScalerState {
  scale: number;
  growthFactor: number;
  backoffFactor: number;
  growthInterval: number;
  growthTracker: number;
}

/**
 * The factor of the loss that lifts small gradients into the range of float16 (P. Micikevicius et al. 2018,
 * arXiv:1710.03740, section 3.2), adjusted as `torch.cuda.amp.GradScaler` does. Kept in float32 precision, as there.
 */
export class GradScaler {
  /** The factor in force. */
  scale: number;
  private growthFactor: number;
  private backoffFactor: number;
  private growthInterval: number;
  /** Steps without overflow since the scale last changed. */
  private growthTracker = 0;

  /**
   * @param fixed the scale never changes
   * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE
   */
  constructor(
    owner: string,
    options: GradScalerOptions = {},
    private readonly fixed = false,
  ) {
    checkKeys(owner, options, ['initScale', 'growthFactor', 'backoffFactor', 'growthInterval']);
    const { initScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 } = options;
    requireScale(fixed ? owner : `${owner}.initScale`, initScale);
    if (!(growthFactor > 1)) throw badValue(`${owner}.growthFactor`, growthFactor, 'a number above 1');
    requireWithin(`${owner}.backoffFactor`, backoffFactor, 0, 1);
    if (backoffFactor === 0 || backoffFactor === 1) {
      throw badValue(`${owner}.backoffFactor`, backoffFactor, 'a number between 0 and 1');
    }
    requirePositiveInt(`${owner}.growthInterval`, growthInterval);
    this.scale = Math.fround(initScale);
    this.growthFactor = growthFactor;
    this.backoffFactor = backoffFactor;
    this.growthInterval = growthInterval;
  }

  /** Adjusts the scale after a step. */
  update(overflow: boolean): void {
    if (this.fixed) return;
    if (overflow) {
      this.scale = Math.fround(this.scale * this.backoffFactor);
      this.growthTracker = 0;
      return;
    }
    this.growthTracker++;
    if (this.growthTracker < this.growthInterval) return;
    const grown = Math.fround(this.scale * this.growthFactor);
    if (Number.isFinite(grown)) this.scale = grown;
    this.growthTracker = 0;
  }

  stateDict(): GradScalerState {
    const { scale, growthFactor, backoffFactor, growthInterval, growthTracker } = this;
    return { scale, growthFactor, backoffFactor, growthInterval, growthTracker };
  }

  /** Takes everything over, the settings too, as PyTorch does; a fixed scale keeps its own. */
  loadStateDict(state: GradScalerState): void {
    if (this.fixed) return;
    this.scale = state.scale;
    this.growthFactor = state.growthFactor;
    this.backoffFactor = state.backoffFactor;
    this.growthInterval = state.growthInterval;
    this.growthTracker = state.growthTracker;
  }
}

function requireScale(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(Math.fround(value))) {
    throw badValue(name, value, 'a number above 0 that float32 can hold');
  }
}
