import { EngineError, nearest, show } from '@engine/core';

/** Named priorities; a lower number runs earlier. */
export const PRIORITIES = {
  HIGHEST: 0,
  VERY_HIGH: 10,
  HIGH: 30,
  ABOVE_NORMAL: 40,
  NORMAL: 50,
  BELOW_NORMAL: 60,
  LOW: 70,
  VERY_LOW: 90,
  LOWEST: 100,
} as const;

export type PriorityName = keyof typeof PRIORITIES;
/** A name (any case) or a whole number from 0 to 100. */
export type Priority = PriorityName | Lowercase<PriorityName> | number;

/**
 * The number of a priority.
 * @throws E_PRIORITY for an unknown name or a number outside 0…100
 */
export function priorityOf(priority: Priority): number {
  if (typeof priority === 'number' && Number.isInteger(priority) && priority >= 0 && priority <= 100)
    return priority;
  if (typeof priority === 'string') {
    const known = PRIORITIES[priority.toUpperCase() as PriorityName];
    if (known !== undefined) return known;
  }
  const names = Object.keys(PRIORITIES);
  throw new EngineError({
    code: 'E_PRIORITY',
    what: 'A hook has a priority that does not exist.',
    received: show(priority),
    expected: `one of ${names.join(', ')}, or a whole number from 0 to 100`,
    didYouMean: typeof priority === 'string' ? nearest(priority, names) : undefined,
    exitCode: 2,
  });
}

/** The name of the band a number lies in, for listings: the nearest name at or below it. */
export function priorityName(value: number): PriorityName {
  let best: PriorityName = 'HIGHEST';
  for (const [name, number] of Object.entries(PRIORITIES)) if (value >= number) best = name as PriorityName;
  return best;
}
