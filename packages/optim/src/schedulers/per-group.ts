import { badValue } from '@engine/core';
import type { SchedulerTarget } from './param-scheduler.js';

/**
 * A setting for every group of a target. Of a wrapper with several groups a list may leave out the synthetic base group,
 * which then goes with the last one.
 * @param path name of the option, for the error
 * @throws E_CONFIG_VALUE unless it is a number or a list with one for each group
 */
export function perGroup(
  path: string,
  value: number | readonly number[],
  target: SchedulerTarget,
): readonly number[] {
  const groups = target.paramGroups.length;
  const own = target.baseParamSettings ? groups - 1 : groups;
  if (typeof value === 'number') return Array<number>(groups).fill(value);
  if (Array.isArray(value) && value.every((each) => typeof each === 'number')) {
    if (value.length === groups) return value as readonly number[];
    if (value.length === own) return [...(value as readonly number[]), value.at(-1) as number];
  }
  throw badValue(path, value, `a number, or ${own} numbers, one for each group`);
}
