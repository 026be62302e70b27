// Speed of the wasm backend's convolutions and matrix products, forward and backward, in GFLOP/s (a multiplication and an
// addition count as two). Options: --threads N, --repeats N.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import '@engine/backend-wasm';
import { selectDevice, tf } from '@engine/tensor';

const { values: options } = parseArgs({
  options: { threads: { type: 'string' }, repeats: { type: 'string', default: '20' } },
});
const repeats = Number(options.repeats);

/** name, images, side, channels, output channels, kernel */
const CONVOLUTIONS = [
  ['3x3 16-16 @32 b64', 64, 32, 16, 16, 3],
  ['3x3 32-32 @16 b64', 64, 16, 32, 32, 3],
  ['3x3 64-64 @8 b64', 64, 8, 64, 64, 3],
  ['3x3 64-64 @32 b32', 32, 32, 64, 64, 3],
  ['1x1 256-64 @16 b32', 32, 16, 256, 64, 1],
];
/** The three bodies of a CIFAR ResNet-20: the headline is their speed over forward pass and both gradients. */
const HEADLINE = CONVOLUTIONS.slice(0, 3);
const SIDE = 1024;

/** Best of several runs in seconds: the machine may be shared, and nothing makes a kernel faster than it is. */
function best(run) {
  let least = Infinity;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const outputs = run();
    least = Math.min(least, performance.now() - start);
    tf.dispose(outputs);
  }
  return least / 1000;
}

const rate = (flops, seconds) => Number((flops / seconds / 1e9).toFixed(1));

function convolution([, images, side, channels, outChannels, kernel]) {
  const pad = (kernel - 1) / 2;
  const geometry = { strides: [1, 1], pads: [pad, pad, pad, pad], dilations: [1, 1], groups: 1 };
  const x = tf.randomUniform([images, side, side, channels], -1, 1, 'float32', 1);
  const filter = tf.randomUniform([kernel, kernel, channels, outChannels], -1, 1, 'float32', 2);
  const dy = tf.randomUniform([images, side, side, outChannels], -1, 1, 'float32', 3);
  const gradient = (needInput, needFilter) =>
    best(() =>
      tf
        .engine()
        .runKernel(
          'EngineConv2dGrad',
          { dy, x, filter },
          { ...geometry, needInput, needFilter, needBias: false },
        ),
    );
  const times = {
    forward: best(() => tf.engine().runKernel('EngineConv2d', { x, filter }, geometry)),
    gradInput: gradient(true, false),
    gradFilter: gradient(false, true),
  };
  tf.dispose([x, filter, dy]);
  return { flops: 2 * images * side * side * outChannels * kernel * kernel * channels, times };
}

const PEER = `
import json, sys, time
import torch
torch.set_num_threads(int(sys.argv[1]))
total = flops = 0
for images, side, channels, out, kernel in json.loads(sys.argv[2]):
    x = torch.randn(images, channels, side, side, requires_grad=True)
    w = torch.randn(out, channels, kernel, kernel, requires_grad=True)
    dy = torch.randn(images, out, side, side)
    least = 1e9
    for _ in range(int(sys.argv[3])):
        start = time.perf_counter()
        torch.nn.functional.conv2d(x, w, padding=kernel // 2).backward(dy)
        least = min(least, time.perf_counter() - start)
    total += least
    flops += 6 * images * side * side * out * kernel * kernel * channels
print(flops / total / 1e9)
`;

/** PyTorch on the same convolutions and threads, where Python can import it. */
function peer(threads) {
  const cases = JSON.stringify(HEADLINE.map((row) => row.slice(1)));
  const child = spawnSync('python3', ['-c', PEER, String(threads), cases, String(repeats)], {
    encoding: 'utf8',
  });
  if (child.status === 0) return { peer: Number(Number(child.stdout).toFixed(1)) };
  const reason = child.error?.message ?? child.stderr.trim().split('\n').at(-1) ?? 'no reason given';
  return { peer: null, peerMissing: `PyTorch: ${reason}` };
}

await selectDevice(options.threads ? `wasm:${options.threads}` : 'wasm');
const { threads } = tf.backend().runtime;
const details = { threads };
let flops = 0;
let seconds = 0;
for (const row of CONVOLUTIONS) {
  const result = convolution(row);
  const rates = Object.fromEntries(
    Object.entries(result.times).map(([pass, time]) => [pass, rate(result.flops, time)]),
  );
  details[row[0]] = rates;
  console.log(
    `conv ${row[0].padEnd(20)} forward ${rates.forward}  input gradient ${rates.gradInput}  filter gradient ${rates.gradFilter}`,
  );
  if (!HEADLINE.includes(row)) continue;
  flops += 3 * result.flops;
  seconds += Object.values(result.times).reduce((sum, time) => sum + time, 0);
}
const a = tf.randomUniform([SIDE, SIDE], -1, 1, 'float32', 1);
const b = tf.randomUniform([SIDE, SIDE], -1, 1, 'float32', 2);
for (const [name, left, right] of [
  ['NN', false, false],
  ['TN', true, false],
  ['NT', false, true],
]) {
  const speed = rate(
    2 * SIDE ** 3,
    best(() => tf.matMul(a, b, left, right)),
  );
  details[`matmul ${SIDE} ${name}`] = speed;
  console.log(`matmul ${SIDE} ${name}  ${speed}`);
}
const ours = rate(flops, seconds);
const found = peer(threads);
console.log(
  JSON.stringify({
    name: 'wasm-kernels',
    unit: 'GFLOP/s, ResNet-20 convolutions, forward and both gradients',
    ours,
    ...found,
    ratio: found.peer === null ? null : Number((ours / found.peer).toFixed(3)),
    details,
  }),
);
