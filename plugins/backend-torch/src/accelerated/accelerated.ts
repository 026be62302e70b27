import { aten, atenAll, atenVoid } from '../aten.js';
import { convolve, convolveGrad, type Geometry } from '../convolution.js';
import { f32, kernel, on, onList, type Inputs } from '../kernels/define.js';
import type { Storage } from '../storage.js';

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
  return atenAll('engine::batch_norm_train', f32(on(x)), f32(on(gamma)), f32(on(beta)), epsilon, relu);
}

kernel<BatchNorm>('EngineBatchNormTrain', (inputs, { epsilon, relu }) =>
  batchNorm(inputs, epsilon, relu === true),
);
kernel<BatchNorm>('EngineBatchNormReluTrain', (inputs, { epsilon }) => batchNorm(inputs, epsilon, true));
kernel<{ relu?: boolean }>('EngineBatchNormTrainGrad', ({ dy, x, gamma, mean, invStd, y }, { relu }) =>
  atenAll(
    'engine::batch_norm_train_grad',
    f32(on(dy)),
    f32(on(x)),
    on(gamma),
    on(mean),
    on(invStd),
    relu ? f32(on(y)) : null,
  ),
);

kernel<BatchNorm>('EngineBatchNormEval', ({ x, gamma, beta, mean, variance }, { epsilon }) => {
  const scale = aten('mul.Tensor', on(gamma), aten('rsqrt', aten('add.Scalar', on(variance), epsilon, 1)));
  const offset = aten('sub.Tensor', on(beta), aten('mul.Tensor', on(mean), scale), 1);
  return aten('addcmul', offset, on(x), scale, 1);
});

kernel('EngineRelu', ({ x }) => aten('relu', on(x)));
kernel('EngineReluGrad', ({ dy, y }) => aten('threshold_backward', on(dy), on(y), 0));
kernel('EngineAddRelu', ({ a, b }) => aten('engine::add_relu', f32(on(a)), f32(on(b))));

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
