import { storageDtype, TorchBackend } from '@engine/backend-torch';
import { BatchNorm2d, Conv2d, Linear, Module, crossEntropy } from '@engine/nn';
import { AmpOptimWrapper, GradScaler, SGD } from '@engine/optim';
import { autocast, relu, tf, type Scalar, type Tensor, type Variable } from '@engine/tensor';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden.js';

interface ScalerCase {
  options: { init_scale: number; growth_factor: number; backoff_factor: number; growth_interval: number };
  overflows: number[];
  expected: [number, number][];
}

interface Training {
  losses: number[];
  dtypes: Record<string, string>;
  gradNorms: Record<string, number>;
}

interface Golden {
  scaler?: ScalerCase[];
  training?: { bfloat16: Training; float32: Training };
}

const { scaler = [], training } = readGolden<Golden>('amp.json');

describe.skipIf(scaler.length === 0)('the loss scale follows torch', () => {
  it.each(scaler)('from $options.init_scale', ({ options, overflows, expected }) => {
    const scale = new GradScaler('test', {
      initScale: options.init_scale,
      growthFactor: options.growth_factor,
      backoffFactor: options.backoff_factor,
      growthInterval: options.growth_interval,
    });
    const received = overflows.map((overflow) => {
      scale.update(overflow === 1);
      const { scale: value, growthTracker } = scale.stateDict();
      return [value, growthTracker];
    });
    expect(received).toEqual(expected);
  });
});

/** sin(i · frequency) · size in the order of PyTorch's elements, brought into our layout. */
function wave(torchShape: number[], frequency: number, size: number, perm?: number[]): Tensor {
  const count = torchShape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: count }, (_, i) => Math.sin(i * frequency) * size);
  return tf.tidy(() => {
    const given = tf.tensor(values, torchShape);
    return perm ? tf.transpose(given, perm) : given;
  });
}

class Net extends Module {
  readonly conv1 = new Conv2d({ inChannels: 3, outChannels: 8, kernelSize: 3, padding: 1, bias: false });
  readonly bn1 = new BatchNorm2d({ numFeatures: 8 });
  readonly conv2 = new Conv2d({ inChannels: 8, outChannels: 16, kernelSize: 3, stride: 2, padding: 1 });
  readonly bn2 = new BatchNorm2d({ numFeatures: 16 });
  readonly fc = new Linear({ inFeatures: 16, outFeatures: 4 });

  constructor() {
    super();
    const parameters: [Variable, number[], number[]?][] = [
      [this.conv1.weight, [8, 3, 3, 3], [2, 3, 1, 0]],
      [this.conv2.weight, [16, 8, 3, 3], [2, 3, 1, 0]],
      [this.conv2.bias!, [16]],
      [this.fc.weight, [4, 16], [1, 0]],
      [this.fc.bias!, [4]],
    ];
    parameters.forEach(([variable, shape, perm], i) => {
      const value = wave(shape, 0.37 + 0.11 * i, 0.3, perm);
      variable.assign(value);
      value.dispose();
    });
  }

  forward(x: Tensor, see: (name: string, y: Tensor) => Tensor = (_, y) => y): Tensor {
    let y = see('conv1', this.conv1.forward(x));
    y = see('relu1', relu(see('bn1', this.bn1.forward(y))));
    y = see('conv2', this.conv2.forward(y));
    y = see('relu2', relu(see('bn2', this.bn2.forward(y))));
    return see('fc', this.fc.forward(see('mean', tf.mean(y, [1, 2]))));
  }
}

const images = (): Tensor => wave([8, 3, 8, 8], 0.73, 1, [0, 2, 3, 1]);
const classes = (): Tensor => tf.tensor1d([0, 1, 2, 3, 0, 1, 2, 3], 'int32');

function train(dtype: 'bfloat16' | 'float32', steps: number): number[] {
  const model = new Net();
  model.train();
  const x = images();
  const labels = classes();
  const wrapper = new AmpOptimWrapper(new SGD(model.paramRefs(), { lr: 0.05, momentum: 0.9 }), { dtype });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { loss } = wrapper.step(() => {
      const value = crossEntropy(model.forward(x), labels) as Scalar;
      return { loss: value, logVars: { loss: tf.keep(value.clone()) } };
    }) as { loss: Scalar };
    losses.push(loss.dataSync()[0]!);
    loss.dispose();
  }
  wrapper.dispose();
  model.dispose();
  tf.dispose([x, labels]);
  return losses;
}

const torch = new TorchBackend();
const { available } = await torch.probe();

describe.skipIf(training === undefined || !available)('training under autocast follows torch', () => {
  const largest = (received: number[], expected: number[]): number =>
    Math.max(...received.map((value, i) => Math.abs(value - expected[i]!)));

  it('in float32, from the same weights', async () => {
    await torch.activate();
    expect(largest(train('float32', 12), training!.float32.losses)).toBeLessThan(2e-4);
  });

  it('in bfloat16', async () => {
    await torch.activate();
    const received = train('bfloat16', 12);
    // Rounding in other places makes losses that differ as much as those of float32 do, but not more.
    expect(largest(received, training!.bfloat16.losses)).toBeLessThan(3e-3);
    expect(received).not.toEqual(train('float32', 12));
  });

  it('what the layers return is stored in the same types', async () => {
    await torch.activate();
    const model = new Net();
    const x = images();
    const dtypes: Record<string, string> = {};
    tf.tidy(() =>
      autocast('bfloat16', () =>
        model.forward(x, (name, y) => {
          dtypes[name] = storageDtype(y);
          return y;
        }),
      ),
    );
    expect(dtypes).toEqual(training!.bfloat16.dtypes);
    model.dispose();
    x.dispose();
  });

  it('the gradients are as large, and float32', async () => {
    await torch.activate();
    const model = new Net();
    const x = images();
    const labels = classes();
    const seen: Record<string, [number, string]> = {};
    const wrapper = new AmpOptimWrapper(new SGD(model.paramRefs(), { lr: 0 }), { dtype: 'bfloat16' });
    wrapper.setGradReducer((grads) => {
      for (const { name, variable } of model.paramRefs()) {
        const grad = grads.get(variable)!;
        seen[name] = [tf.tidy(() => tf.norm(grad).dataSync()[0]!), storageDtype(grad)];
      }
      return grads;
    });
    const { loss } = wrapper.step(() => {
      const value = crossEntropy(model.forward(x), labels) as Scalar;
      return { loss: value, logVars: { loss: tf.keep(value.clone()) } };
    }) as { loss: Scalar };
    for (const [name, norm] of Object.entries(training!.bfloat16.gradNorms)) {
      const [received, dtype] = seen[name]!;
      expect(dtype, name).toBe('float32');
      // The bias before a batch norm has no gradient but rounding errors.
      if (name === 'conv2.bias') expect(received).toBeLessThan(0.01);
      else expect(Math.abs(received / norm - 1), name).toBeLessThan(0.02);
    }
    loss.dispose();
    wrapper.dispose();
    model.dispose();
    tf.dispose([x, labels]);
  });
});
