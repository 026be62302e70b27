import { MODELS, hostArray, register } from '@engine/core';
import {
  disposeTree,
  expectNoLeak,
  isConstant,
  sgdUpdate,
  tf,
  type LogVars,
  type LossResult,
  type OptimWrapperLike,
  type Scalar,
  type Tensor,
} from '@engine/tensor';
import { describe, expect, it } from 'vitest';

import {
  BaseModel,
  BatchNorm1d,
  ImgDataPreprocessor,
  Linear,
  crossEntropy,
  type BaseModelOptions,
  type ForwardMode,
  type Losses,
  type Module,
} from './index.js';

/** Plain gradient descent over a model's parameters. */
class Descent implements OptimWrapperLike {
  constructor(
    private readonly model: Module,
    private readonly lr: number,
  ) {}

  step(compute: () => LossResult): LogVars {
    return tf.tidy(() => {
      let logVars: LogVars = {};
      const variables = this.model
        .paramRefs()
        .filter((ref) => ref.requiresGrad)
        .map((ref) => ref.variable);
      const { grads } = tf.variableGrads(() => {
        const result = compute();
        ({ logVars } = result);
        return result.loss;
      }, variables);
      sgdUpdate({
        params: variables,
        grads: variables.map((variable) => grads[variable.name] as Tensor),
        lr: this.lr,
      });
      return logVars as never;
    });
  }
}

class Classifier extends BaseModel {
  readonly norm = new BatchNorm1d({ numFeatures: 2 });
  readonly net = new Linear({ inFeatures: 2, outFeatures: 2 });
  seen: unknown;

  constructor(options: BaseModelOptions = {}) {
    super(options);
  }

  forward(
    inputs: Tensor,
    samples: { gtLabels: Tensor } | Tensor,
    mode: ForwardMode,
  ): Losses | Tensor | { scores: Tensor; gtLabels: Tensor } {
    this.seen = { samples, constant: isConstant(inputs) };
    const gtLabels = 'gtLabels' in samples ? samples.gtLabels : samples;
    const logits = this.net.forward(this.norm.forward(inputs));
    if (mode === 'tensor') return logits;
    if (mode === 'predict') return { scores: tf.softmax(logits), gtLabels };
    const accuracy = tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), gtLabels), 'float32'));
    return { loss_cls: crossEntropy(logits, gtLabels), accuracy };
  }
}

const batch = (): Record<string, unknown> => ({
  inputs: hostArray(new Float32Array([0, 1, 1, 0, 0.9, 0.2, 0.1, 0.8]), [4, 2]),
  gtLabels: hostArray(new Int32Array([0, 1, 1, 0]), [4]),
});

const number = (value: Tensor | number | undefined): number =>
  typeof value === 'number' ? value : value!.dataSync()[0]!;

describe('BaseModel', () => {
  it('learns by training steps, which report kept scalars with the loss first and leak nothing', () => {
    const model = new Classifier();
    model.initWeights({ seed: 1 });
    const optim = new Descent(model, 0.5);
    const losses: number[] = [];
    const one = (): void => {
      const logVars = model.trainStep(batch(), optim);
      expect(Object.keys(logVars)).toEqual(['loss', 'loss_cls', 'accuracy']);
      losses.push(number(logVars['loss'] as Scalar));
      expect(number(logVars['loss_cls'] as Scalar)).toBe(losses.at(-1));
      disposeTree(logVars);
    };
    one();
    expectNoLeak(() => {
      for (let i = 0; i < 20; i++) one();
    });
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 3);
    model.dispose();
  });

  it('keeps what it reports even inside a scope of the caller', () => {
    const model = new Classifier();
    let logVars: LogVars = {};
    let output: unknown;
    tf.tidy(() => {
      logVars = model.trainStep(batch(), new Descent(model, 0.1));
      output = model.valStep(batch());
    });
    expect(Number.isFinite(number(logVars['loss'] as Scalar))).toBe(true);
    expect((output as { scores: Tensor }).scores.shape).toEqual([4, 2]);
    disposeTree([logVars, output]);
    model.dispose();
  });

  it('predicts with tensors that are the caller’s, and touches no tensor of the batch', () => {
    const model = new Classifier().eval();
    const labels = tf.tensor1d([0, 1, 1, 0], 'int32');
    expectNoLeak(() => {
      const output = model.valStep({ ...batch(), gtLabels: labels }) as { scores: Tensor; gtLabels: Tensor };
      expect(output.scores.shape).toEqual([4, 2]);
      expect(output.gtLabels).not.toBe(labels);
      disposeTree(output);
    });
    expect(labels.isDisposed).toBe(false);
    expect(labels.kept).toBe(false);
    expectNoLeak(() => disposeTree(model.testStep(batch())));
    labels.dispose();
    model.dispose();
  });

  it('hands batches to forward by name or by place', () => {
    const model = new Classifier().eval();
    const { inputs, gtLabels } = batch();
    disposeTree(model.valStep([inputs, gtLabels]));
    expect((model.seen as { samples: Tensor }).samples.shape).toEqual([4]);
    disposeTree(model.valStep({ inputs, dataSamples: { gtLabels, extra: 1 } }));
    expect(Object.keys((model.seen as { samples: object }).samples)).toEqual(['gtLabels', 'extra']);
    expect(() => model.valStep({ images: inputs })).toThrow("an object with the key 'inputs'");
    expect(() => model.valStep(3)).toThrow('E_CONFIG_VALUE');
    model.dispose();
  });

  it('takes its preprocessor as a config or a module', () => {
    const model = new Classifier({
      dataPreprocessor: { type: 'ImgDataPreprocessor', mean: [127.5], std: [127.5] },
    });
    expect(model.dataPreprocessor).toBeInstanceOf(ImgDataPreprocessor);
    const own = new ImgDataPreprocessor();
    expect(new Classifier({ dataPreprocessor: own }).dataPreprocessor).toBe(own);
    expect(() => new Classifier({ dataPreprocessor: 3 as never })).toThrow('dataPreprocessor');
  });

  it('can be registered and built from a config', () => {
    @register(MODELS, { name: 'BaseModelTestNet' })
    class BaseModelTestNet extends Classifier {}
    const net = MODELS.build({ type: 'BaseModelTestNet' } as never);
    expect(net).toBeInstanceOf(BaseModelTestNet);
    MODELS.remove('BaseModelTestNet');
  });
});

describe('parseLosses', () => {
  const model = new Classifier();

  it('sums what has loss in its name; means of tensors, sums of lists', () => {
    expectNoLeak(() => {
      const { loss, logVars } = tf.tidy(() => {
        const result = model.parseLosses({
          loss_cls: tf.tensor1d([0.5, 1.5]),
          loss_list: [tf.scalar(2), tf.tensor1d([3, 3])],
          acc: tf.scalar(0.9),
        });
        expect(number(result.loss)).toBe(6);
        return { loss: result.loss, logVars: result.logVars as never } as { loss: Scalar; logVars: never };
      }) as unknown as LossResult;
      expect(Object.entries(logVars).map(([name, value]) => [name, number(value)])).toEqual([
        ['loss', 6],
        ['loss_cls', 1],
        ['loss_list', 5],
        ['acc', Math.fround(0.9)],
      ]);
      disposeTree([loss, logVars]);
    });
  });

  it('lets an own loss of the name `loss` stand in the report', () => {
    expectNoLeak(() => {
      tf.tidy(() => {
        const { loss, logVars } = model.parseLosses({ loss: tf.scalar(1), loss_aux: tf.scalar(2) });
        expect(number(loss)).toBe(3);
        expect(number(logVars['loss'])).toBe(1);
        disposeTree(logVars);
      });
    });
  });

  it('refuses what is no tensor, and a result without any loss', () => {
    expect(() => model.parseLosses({ loss: 3 as never })).toThrow(
      /E_MODEL_LOSSES.*The loss 'loss' is neither/s,
    );
    expect(() => model.parseLosses({ loss: [] })).toThrow('E_MODEL_LOSSES');
    expect(() => model.parseLosses({ acc: tf.scalar(1) })).toThrow('nothing to minimise');
  });
});
