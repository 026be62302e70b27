// A training run that saves in the background: how long it waits for the save, and how long its steps take meanwhile.
import { answer, runOf } from './model.mjs';

const [device, workDir, iterations] = process.argv.slice(2);
const EVERY = 12;
/** Without a save under way, and with one; milliseconds from the end of a step to the end of the next one. */
const quiet = [];
const during = [];
const waits = [];
let before;
let wasSaving = false;
const watch = {
  priority: 'LOWEST',
  beforeTrain(run) {
    const { saver } = run;
    const save = saver.save.bind(saver);
    saver.save = async (...args) => {
      const start = performance.now();
      const folder = await save(...args);
      waits.push(performance.now() - start);
      return folder;
    };
  },
  beforeTrainIter(run) {
    const now = performance.now();
    const saving = run.saver.pending > 0;
    // The first steps make the optimizer's state and the memory for snapshots.
    if (before !== undefined && run.iter > 4) (saving || wasSaving ? during : quiet).push(now - before);
    before = now;
    wasSaving = saving;
  },
};
const run = runOf({
  device,
  workDir,
  iterations: Number(iterations),
  defaultHooks: {
    checkpoint: {
      type: 'CheckpointHook',
      every: `${EVERY}it`,
      saveLast: false,
      maxKeepCkpts: 1,
      asyncSave: true,
    },
  },
  customHooks: [watch],
});
await run.train();
await run.close();
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const digits = (value) => Number(value.toPrecision(3));
answer({
  saves: waits.length,
  waits: waits.map(digits),
  longestWait: digits(Math.max(...waits)),
  step: digits(median(quiet)),
  longestStep: digits(Math.max(...quiet)),
  stepWhileSaving: digits(median(during)),
  longestStepWhileSaving: digits(Math.max(...during)),
});
process.exit(0);
