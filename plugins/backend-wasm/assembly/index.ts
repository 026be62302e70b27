export { run, runHere, serve, stop } from './pool';
export { addColumns, addPackedColumns, addRows } from './tiles';
