import { badValue } from '@engine/core';
import { requireNumber } from '../checks.js';

/** Lowest value of a schedule, given the initial one. */
export type EtaMin = (initial: number) => number;

/**
 * The rule behind the options `etaMin` and `etaMinRatio`; 0 without either.
 * @throws E_CONFIG_VALUE when both are given
 */
export function etaMinRule(owner: string, options: { etaMin?: number; etaMinRatio?: number }): EtaMin {
  const { etaMin, etaMinRatio } = options;
  if (etaMin !== undefined && etaMinRatio !== undefined) {
    throw badValue(`${owner}.etaMinRatio`, etaMinRatio, 'only one of etaMin and etaMinRatio');
  }
  if (etaMinRatio !== undefined) {
    requireNumber(`${owner}.etaMinRatio`, etaMinRatio);
    return (initial) => initial * etaMinRatio;
  }
  const low = etaMin ?? 0;
  requireNumber(`${owner}.etaMin`, low);
  return () => low;
}
