export { run, runHere, serve, stop } from './pool';
