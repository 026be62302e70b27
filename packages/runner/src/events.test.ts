import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EVENTS } from './events.js';

const source = readFileSync(new URL('./events.ts', import.meta.url), 'utf8');
const hookSource = readFileSync(new URL('./hook.ts', import.meta.url), 'utf8');
const isEvent = (word: string): boolean => /^(before|after)[A-Z]\w+$/.test(word);

/** Words of the drawing that stand first on their line: events in the order in which a run meets them. */
function drawnEvents(): string[] {
  const drawing = source.slice(
    source.indexOf('```text'),
    source.indexOf('* ```\n', source.indexOf('```text') + 10),
  );
  return [...drawing.matchAll(/^ \*\s+(\w+)/gm)].map((match) => match[1]!).filter(isEvent);
}

it('draws every event, and no other', () => {
  expect(new Set(drawnEvents())).toEqual(new Set(EVENTS));
});

it('lists the events in the order of the drawing', () => {
  const first = [...new Set(drawnEvents())];
  // The drawing shows afterRun at the end of training and again at the end of a test; the list names it once, last.
  const order = first.filter((event) => event !== 'afterRun' && event !== 'beforeSaveCheckpoint');
  expect(EVENTS.filter((event) => event !== 'afterRun' && event !== 'beforeSaveCheckpoint')).toEqual(order);
});

it('gives every event a payload type and a hook method of its name', () => {
  const payloads = source.slice(
    source.indexOf('interface EventPayloads'),
    source.indexOf('export type EventName'),
  );
  const typed = [...payloads.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1]!);
  const methods = [...hookSource.matchAll(/^ {2}(\w+)\?\(\s*run: Run/gm)].map((match) => match[1]!);
  expect(typed.sort()).toEqual([...EVENTS].sort());
  const generic = ['beforeEpoch', 'beforeIter', 'afterIter', 'afterEpoch'];
  expect(methods.sort()).toEqual([...EVENTS, ...generic].sort());
});
