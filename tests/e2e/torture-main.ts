// The whole torture, in two processes' worth of chains; see scripts/torture.mjs.
import { RandomStream } from '@engine/core';
import { parseArgs } from 'node:util';
import { workFolder } from './harness.js';
import { killAtMoments, killChain, prepareTorture, undisturbed, type Tortured } from './torture.js';

const { values } = parseArgs({
  options: {
    every: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    moments: { type: 'string', default: '40' },
    minutes: { type: 'string', default: '0' },
  },
});
const every = Number(values.every);
const first = Number(values.first);
const moments = Number(values.moments);
const minutes = Number(values.minutes);
const counts = [first, moments].every((value) => Number.isInteger(value) && value >= 0);
if (!(Number.isInteger(every) && every > 0) || !counts || !(minutes >= 0)) {
  throw new Error(
    'npm run torture -- [--every N: only each N-th write] [--first N: beginning with write N] ' +
      '[--moments N: kills at random moments] [--minutes N: begin nothing new after that time]',
  );
}
const started = Date.now();
/** Kills that were planned and not made for want of time. */
let left = 0;

function outOfTime(): boolean {
  return minutes > 0 && Date.now() - started > minutes * 60_000;
}

/** Kills of one chain: at its end the run is compared with the reference. */
const PORTION = 20;

/** All kills of runs that save in one way. */
async function torture(asyncSave: boolean): Promise<Tortured> {
  const folder = workFolder();
  const way = asyncSave ? 'in the background' : 'at once';
  const name = asyncSave ? 'background' : 'direct';
  try {
    const options = { asyncSave };
    const { outcome, operations } = await undisturbed(
      folder.path,
      'reference',
      prepareTorture(folder.path, 'reference', options),
    );
    const all = operations.map((_, i) => i).filter((i) => i % every === first % every);
    console.log(`saving ${way}: ${operations.length} writes, killed at ${all.length} of them`);
    const sum: Tortured = { kills: 0, places: [], problems: [] };
    // In portions, so that progress shows and each is compared with the reference at its end.
    for (let from = 0; from < all.length; from += PORTION) {
      if (outOfTime()) {
        left += all.length - from;
        break;
      }
      const portion = `${name}${from}`;
      const args = prepareTorture(folder.path, portion, options);
      add(sum, await killChain(folder.path, portion, args, all.slice(from, from + PORTION), outcome));
      console.log(`saving ${way}: ${sum.kills} kills, ${sum.problems.length} differences`);
    }
    if (outOfTime()) {
      left += Math.ceil(moments / 2);
      return sum;
    }
    const rng = RandomStream.of(13, 'torture', name);
    const pauses = Array.from({ length: Math.ceil(moments / 2) }, () => rng.int(120));
    const args = prepareTorture(folder.path, `${name}Moments`, options);
    add(sum, await killAtMoments(folder.path, `${name}Moments`, args, pauses, outcome));
    return sum;
  } finally {
    folder.dispose();
  }
}

function add(sum: Tortured, more: Tortured): void {
  sum.kills += more.kills;
  sum.places.push(...more.places);
  sum.problems.push(...more.problems);
}

const [direct, background] = await Promise.all([torture(false), torture(true)]);
const problems = [...direct.problems, ...background.problems];
for (const problem of problems) console.error(problem);
console.log(`${Math.round((Date.now() - started) / 1000)} s`);
if (left > 0) console.log(`${left} kills were planned and not made within ${minutes} minutes`);
console.log(`${direct.kills + background.kills} kills, ${problems.length} differences`);
process.exitCode = problems.length > 0 ? 1 : 0;
