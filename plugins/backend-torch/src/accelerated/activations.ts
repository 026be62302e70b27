import { aten, type Argument } from '../aten.js';
import { kernel, on } from '../kernels/define.js';

type Attrs = Readonly<Record<string, number>>;

interface Activation {
  /** Operator of the value, and what it takes after x. */
  value: [string, (attrs: Attrs) => Argument[]];
  /** Operator of the gradient, and what it takes after dy and x. */
  slope: [string, (attrs: Attrs) => Argument[]];
}

const nothing = (): Argument[] => [];
const range = ({ low, high }: Attrs): Argument[] => [low, high];
const soft = ({ beta, threshold }: Attrs): Argument[] => [beta, threshold];
const slope = (attrs: Attrs): Argument[] => [attrs.slope];

/** An activation without options: one name, `…_backward` its gradient. */
const plain = (name: string): Activation => ({
  value: [name, nothing],
  slope: [`${name}_backward`, nothing],
});
const gelu = (approximate: string): Activation => ({
  value: ['gelu', () => [approximate]],
  slope: ['gelu_backward', () => [approximate]],
});

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  EngineGelu: gelu('none'),
  EngineGeluTanh: gelu('tanh'),
  EngineSilu: plain('silu'),
  EngineMish: plain('mish'),
  EngineHardswish: plain('hardswish'),
  EngineHardsigmoid: plain('hardsigmoid'),
  EngineHardtanh: { value: ['hardtanh', range], slope: ['hardtanh_backward', range] },
  EngineSoftplus: { value: ['softplus', soft], slope: ['softplus_backward', soft] },
  EngineLeakyRelu: {
    value: ['leaky_relu', slope],
    slope: ['leaky_relu_backward', (attrs) => [attrs.slope, false]],
  },
};

for (const [name, { value, slope: grad }] of Object.entries(ACTIVATIONS)) {
  kernel<Attrs>(name, ({ x }, attrs) => aten(value[0], on(x), ...value[1](attrs)));
  kernel<Attrs>(`${name}Grad`, ({ dy, x }, attrs) => aten(grad[0], on(dy), on(x), ...grad[1](attrs)));
}

kernel<Attrs>('EngineElu', ({ x }, { alpha, scale }) => aten('elu', on(x), alpha, scale, 1));
kernel<Attrs>('EngineEluGrad', ({ dy, x }, { alpha, scale }) =>
  aten('elu_backward', on(dy), alpha, scale, 1, false, on(x)),
);

kernel('EngineLogSigmoid', ({ x }) => aten('log_sigmoid', on(x)));
kernel('EngineLogSigmoidGrad', ({ dy, x }) =>
  aten('mul.Tensor', on(dy), aten('sigmoid', aten('neg', on(x)))),
);
