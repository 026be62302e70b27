// Peak memory of a training step of ResNet-50 at batch 32, with and without activation checkpointing of its blocks, and
// whether the gradients are the same. Arguments: devices (torch and wasm unless said), then --size N for the images (64).
import { parseArgs } from 'node:util';
import { crossEntropy, turnOnActivationCheckpointing } from '@engine/nn';
import { selectDevice, tf } from '@engine/tensor';
import { ResNet } from '@engine/vision';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '64' }, batch: { type: 'string', default: '32' } },
});
const size = Number(values.size);
const batch = Number(values.batch);
const MIB = 2 ** 20;

/** One step's gradients: a digest of their bits, the most memory that was in use, seconds. */
async function measure(backend, names) {
  const model = new ResNet({ depth: 50, numClasses: 10 });
  model.initWeights({ seed: 1 });
  if (names) turnOnActivationCheckpointing(model, names);
  model.train();
  const x = tf.randomUniform([batch, size, size, 3], -1, 1, 'float32', 5);
  const y = tf.tensor1d(
    Array.from({ length: batch }, (_, i) => i % 10),
    'int32',
  );
  const variables = model.parameters();
  const step = () =>
    tf.engine().gradients(() => crossEntropy(model.forward(x), y), variables, undefined, true);
  const discard = ({ value, grads }) => tf.dispose([value, ...grads]);
  discard(step());
  const { bytes } = backend.memory();
  const start = performance.now();
  const found = step();
  const loss = found.value.dataSync()[0];
  const seconds = (performance.now() - start) / 1000;
  const { peakBytes } = backend.memory();
  let digest = 0;
  for (const grad of found.grads) {
    const bits = new Uint32Array(Float32Array.from(grad.dataSync()).buffer);
    for (let i = 0; i < bits.length; i++) digest = (Math.imul(digest, 31) + bits[i]) >>> 0;
  }
  discard(found);
  tf.dispose([x, y]);
  model.dispose();
  return { peak: peakBytes / MIB, rest: bytes / MIB, seconds, digest, loss };
}

let last;
for (const device of positionals.length > 0 ? positionals : ['torch', 'wasm']) {
  const { backend } = await selectDevice(device);
  const plain = await measure(backend);
  const saved = await measure(backend, 'layer*.*');
  last = { device, ours: saved.peak, peer: plain.peak, ratio: saved.peak / plain.peak };
  const share = (100 * (1 - saved.peak / plain.peak)).toFixed(1);
  console.log(
    `${device}: ResNet-50, batch ${batch}, ${size}×${size}: peak ${plain.peak.toFixed(0)} MiB, checkpointed ` +
      `${saved.peak.toFixed(0)} MiB (${share} % less), of which weights and images ${plain.rest.toFixed(0)} MiB; ` +
      `${plain.seconds.toFixed(2)} s and ${saved.seconds.toFixed(2)} s a step; gradients ` +
      (plain.digest === saved.digest ? 'equal bit for bit' : 'DIFFER'),
  );
}
// The peer is the same step without checkpointing.
console.log(JSON.stringify({ name: 'activation-memory', unit: 'MiB', ...last, batch, size }));
process.exit(0);
