// The models of the bench, ours. Names and order of the parameters are PyTorch's, so that peer.py can take them over.
import { RandomStream } from '@engine/core';
import { Linear, Module, crossEntropy } from '@engine/nn';
import { AdamW, SGD } from '@engine/optim';
import { gelu, layerNorm, linear, markConstant, randomNormal, relu, selfAttention, tf } from '@engine/tensor';
import { ResNet } from '@engine/vision';

const draw = (shape, key) => randomNormal(shape, RandomStream.of(1, 'bench', key));

function labels(count, classes, key) {
  const stream = RandomStream.of(1, 'labels', key);
  return tf.tensor1d(
    Int32Array.from({ length: count }, () => stream.uint32() % classes),
    'int32',
  );
}

class Mlp extends Module {
  fc1 = new Linear({ inFeatures: 784, outFeatures: 256 });
  fc2 = new Linear({ inFeatures: 256, outFeatures: 10 });

  forward(x) {
    const h = relu(linear(x, this.fc1.weight, this.fc1.bias));
    return linear(h, this.fc2.weight, this.fc2.bias);
  }
}

class LayerNorm extends Module {
  constructor(size) {
    super();
    this.weight = this.parameter(tf.ones([size]));
    this.bias = this.parameter(tf.zeros([size]));
  }

  forward(x) {
    return layerNorm(x, this.weight, this.bias);
  }
}

const apply = (layer, x) => linear(x, layer.weight, layer.bias);

class Block extends Module {
  constructor(size, heads) {
    super();
    this.heads = heads;
    this.norm1 = new LayerNorm(size);
    this.qkv = new Linear({ inFeatures: size, outFeatures: 3 * size });
    this.proj = new Linear({ inFeatures: size, outFeatures: size });
    this.norm2 = new LayerNorm(size);
    this.fc1 = new Linear({ inFeatures: size, outFeatures: 4 * size });
    this.fc2 = new Linear({ inFeatures: 4 * size, outFeatures: size });
  }

  forward(x) {
    const attended = selfAttention(apply(this.qkv, this.norm1.forward(x)), {
      heads: this.heads,
      causal: true,
    });
    const y = tf.add(x, apply(this.proj, attended));
    return tf.add(y, apply(this.fc2, gelu(apply(this.fc1, this.norm2.forward(y)))));
  }
}

/** Two pre-norm blocks of width 128 over 128 positions, a vocabulary of 256. */
class Transformer extends Module {
  constructor() {
    super();
    this.embed = this.parameter(tf.mul(draw([256, 128], 'embed'), 0.02));
    this.position = this.parameter(tf.mul(draw([128, 128], 'position'), 0.02));
    this.blocks = [new Block(128, 4), new Block(128, 4)];
    this.norm = new LayerNorm(128);
    this.head = new Linear({ inFeatures: 128, outFeatures: 256 });
  }

  forward(tokens) {
    let x = tf.add(tf.gather(this.embed, tokens), this.position);
    for (const block of this.blocks) x = block.forward(x);
    return apply(this.head, this.norm.forward(x));
  }
}

/** name → model, batch, optimizer. `items` are what a step handles, `steps` how many a round has. */
export const MODELS = {
  resnet18: {
    items: 32,
    steps: 4,
    make() {
      const model = new ResNet({ depth: 18, stem: 'cifar', numClasses: 10 });
      model.initWeights({ seed: 0 });
      return { model, x: markConstant(draw([32, 32, 32, 3], 'image')), y: labels(32, 10, 'resnet') };
    },
    optimizer: (model) => new SGD(model.paramRefs(), { lr: 0.02, momentum: 0.9, weightDecay: 5e-4 }),
  },
  mlp: {
    items: 64,
    steps: 500,
    make: () => ({ model: new Mlp(), x: markConstant(draw([64, 784], 'digits')), y: labels(64, 10, 'mlp') }),
    optimizer: (model) => new SGD(model.paramRefs(), { lr: 0.01 }),
  },
  transformer: {
    items: 16,
    steps: 15,
    make: () => ({
      model: new Transformer(),
      x: tf.reshape(labels(16 * 128, 256, 'tokens'), [16, 128]),
      y: tf.reshape(labels(16 * 128, 256, 'next'), [16, 128]),
    }),
    optimizer: (model) => new AdamW(model.paramRefs(), { lr: 3e-4, weightDecay: 0.01 }),
  },
};

export const lossOf = (model, x, y) => crossEntropy(model.forward(x), y);
