import { aten, atenAll, atenVoid, toScalar } from '../aten.js';
import { convolve, convolveGrad, type Geometry } from '../convolution.js';
import { f32, kernel, on, onList, type Inputs } from '../kernels/define.js';
import type { Storage } from '../storage.js';

/** In the type of the other. */
const like = (x: Storage, other: Storage): Storage => toScalar(x, other.scalar);

kernel<Geometry>('EngineConv2d', ({ x, filter, bias }, attrs) =>
  convolve(on(x), on(filter), bias ? on(bias) : null, attrs),
);

interface Needs extends Geometry {
  needInput: boolean;
  needFilter: boolean;
  needBias: boolean;
}

kernel<Needs>('EngineConv2dGrad', ({ dy, x, filter }, attrs) => {
  const need = [attrs.needInput, attrs.needFilter, attrs.needBias] as const;
  const found = convolveGrad(on(dy), on(x), on(filter), attrs, need);
  return found.filter((_, i) => need[i]);
});

interface BatchNorm {
  epsilon: number;
  relu?: boolean;
}

function batchNorm({ x, gamma, beta }: Inputs, epsilon: number, relu: boolean): Storage[] {
  return atenAll('engine::batch_norm_train', on(x), f32(on(gamma)), f32(on(beta)), epsilon, relu);
}

kernel<BatchNorm>('EngineBatchNormTrain', (inputs, { epsilon, relu }) =>
  batchNorm(inputs, epsilon, relu === true),
);
kernel<BatchNorm>('EngineBatchNormReluTrain', (inputs, { epsilon }) => batchNorm(inputs, epsilon, true));
kernel<{ relu?: boolean }>('EngineBatchNormTrainGrad', (inputs, { relu }) => {
  const { gamma, mean, invStd, y } = inputs;
  const x = on(inputs.x);
  return atenAll(
    'engine::batch_norm_train_grad',
    like(on(inputs.dy), x),
    x,
    f32(on(gamma)),
    on(mean),
    on(invStd),
    relu ? like(on(y), x) : null,
  );
});

kernel<BatchNorm>('EngineBatchNormEval', ({ x, gamma, beta, mean, variance }, { epsilon }) => {
  const scale = aten('mul.Tensor', on(gamma), aten('rsqrt', aten('add.Scalar', on(variance), epsilon, 1)));
  const offset = aten('sub.Tensor', on(beta), aten('mul.Tensor', on(mean), scale), 1);
  const given = on(x);
  return like(aten('addcmul', offset, given, scale, 1), given);
});

kernel('EngineRelu', ({ x }) => aten('relu', on(x)));
kernel('EngineReluGrad', (inputs) => {
  const y = on(inputs.y);
  return aten('threshold_backward', like(on(inputs.dy), y), y, 0);
});
kernel('EngineAddRelu', ({ a, b }) => aten('engine::add_relu', on(a), on(b)));
kernel('EngineToFloat32', ({ x }) => on(x));

interface Loss {
  ignoreIndex: number;
  labelSmoothing: number;
}

kernel<Loss>('EngineSoftmaxCrossEntropy', ({ logits, labels }, { ignoreIndex, labelSmoothing }) =>
  atenAll('engine::softmax_cross_entropy', f32(on(logits)), on(labels), ignoreIndex, labelSmoothing),
);
kernel<Loss>('EngineSoftmaxCrossEntropyGrad', ({ dloss, probs, labels }, { ignoreIndex, labelSmoothing }) =>
  aten('engine::softmax_cross_entropy_grad', on(dloss), on(probs), on(labels), ignoreIndex, labelSmoothing),
);

kernel<{ count: number; factor: number }>('EngineUnscale', (inputs, { count, factor }) =>
  atenAll('engine::unscale', onList(inputs, 'g', count), factor),
);

interface Sgd {
  count: number;
  lr: number;
  momentum: number;
  dampening: number;
  nesterov: boolean;
  weightDecay: number;
  maximize: boolean;
  first: boolean;
}

kernel<Sgd>('EngineSgdUpdate', (inputs, o) => {
  atenVoid(
    'engine::sgd_update',
    onList(inputs, 'p', o.count),
    onList(inputs, 'g', o.count),
    o.momentum === 0 ? [] : onList(inputs, 'm', o.count),
    o.lr,
    o.momentum,
    o.dampening,
    o.weightDecay,
    o.nesterov,
    o.maximize,
    o.first,
  );
  return [];
});

interface Adam {
  count: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  amsgrad: boolean;
  maximize: boolean;
  step: number;
  decoupled: boolean;
}

kernel<Adam>('EngineAdamWUpdate', (inputs, o) => {
  atenVoid(
    'engine::adam_update',
    onList(inputs, 'p', o.count),
    onList(inputs, 'g', o.count),
    onList(inputs, 'm', o.count),
    onList(inputs, 'v', o.count),
    o.amsgrad ? onList(inputs, 'vmax', o.count) : [],
    o.lr,
    o.beta1,
    o.beta2,
    o.eps,
    o.weightDecay,
    o.step,
    o.decoupled,
    o.maximize,
  );
  return [];
});
