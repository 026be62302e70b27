// tfjs-core with its gradients, its chained operators and its cpu backend. CommonJS, because an import of tfjs-core searches
// all its megabytes for the names it exports, which costs 8 MB of memory and time at every start.
const tf = require('@tensorflow/tfjs-core');
// tfjs-core's CommonJS build registers neither; scripts/gen-tfjs-registrations.mjs says more.
require('./tfjs-registrations.cjs');
require('@tensorflow/tfjs-backend-cpu');
module.exports = tf;
