// The whole torture, in two processes' worth of chains; see scripts/torture.mjs.
import { RandomStream } from '@engine/core';
import { parseArgs } from 'node:util';
import { workFolder } from './harness.js';
import { killAtMoments, killChain, prepareTorture, undisturbed, type Tortured } from './torture.js';

const { values } = parseArgs({
  options: { every: { type: 'string', default: '1' }, moments: { type: 'string', default: '40' } },
});
const every = Number(values.every);
const moments = Number(values.moments);
if (!(Number.isInteger(every) && every > 0) || !(Number.isInteger(moments) && moments >= 0)) {
  throw new Error(
    'npm run torture -- [--every N: only each N-th write] [--moments N: kills at random moments]',
  );
}

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
    const all = operations.map((_, i) => i).filter((i) => i % every === 0);
    console.log(`saving ${way}: ${operations.length} writes, killed at ${all.length} of them`);
    const sum: Tortured = { kills: 0, places: [], problems: [] };
    // In portions, so that progress shows and each is compared with the reference at its end.
    for (let from = 0; from < all.length; from += 20) {
      const portion = `${name}${from}`;
      const args = prepareTorture(folder.path, portion, options);
      add(sum, await killChain(folder.path, portion, args, all.slice(from, from + 20), outcome));
      console.log(`saving ${way}: ${sum.kills} kills, ${sum.problems.length} differences`);
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

const started = Date.now();
const [direct, background] = await Promise.all([torture(false), torture(true)]);
const problems = [...direct.problems, ...background.problems];
for (const problem of problems) console.error(problem);
console.log(`${Math.round((Date.now() - started) / 1000)} s`);
console.log(`${direct.kills + background.kills} kills, ${problems.length} differences`);
process.exitCode = problems.length > 0 ? 1 : 0;
