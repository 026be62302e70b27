import { EngineError, show } from './errors.js';
import { nearest } from './suggest.js';

/** A length of training. Iterations and epochs are whole numbers, seconds need not be. */
export interface Duration {
  unit: 'iter' | 'epoch' | 'second';
  value: number;
}

const UNITS: Readonly<Record<string, readonly [Duration['unit'], number]>> = {
  it: ['iter', 1],
  iter: ['iter', 1],
  iters: ['iter', 1],
  ep: ['epoch', 1],
  epoch: ['epoch', 1],
  epochs: ['epoch', 1],
  s: ['second', 1],
  sec: ['second', 1],
  min: ['second', 60],
  h: ['second', 3600],
  d: ['second', 86400],
};

function wrong(text: unknown, name: string, didYouMean?: string): EngineError {
  return new EngineError({
    code: 'E_DURATION',
    what: `${name} is not a length of training.`,
    received: show(text),
    expected: "a number with a unit, such as '500it', '2ep', '30s', '10min', '2h', '1h30min' or '90d'",
    didYouMean,
    exitCode: 2,
  });
}

/**
 * Reads a length of training: `'500it'`, `'2ep'`, `'10min'`, `'1.5h'`, `'1h30min'`.
 * @param name option it comes from, for the error
 * @throws E_DURATION for an unknown unit, a missing one, a negative number, or a part of an iteration or epoch
 */
export function parseDuration(text: string, name = 'The text'): Duration {
  if (typeof text !== 'string') throw wrong(text, name);
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) throw wrong(text, name);
  const read = parts.map(([, number, unit]) => {
    const known = UNITS[unit!.toLowerCase()];
    if (!known) {
      const near = nearest(unit!, Object.keys(UNITS));
      throw wrong(text, name, near && `${number}${near}`);
    }
    return { unit: known[0], value: Number(number) * known[1] };
  });
  const unit = read[0]!.unit;
  const value = read.reduce((sum, part) => sum + part.value, 0);
  const mixed = read.length > 1 && read.some((part) => part.unit !== 'second');
  if (mixed || (unit !== 'second' && !Number.isInteger(value))) throw wrong(text, name);
  return { unit, value };
}
