export { run, runHere, serve, stop } from './pool';
export { addColumns, sumPackedColumns } from './column-tiles';
export { addRows, sumRows, sumRowSteps } from './row-tiles';
