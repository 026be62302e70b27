import { tf, type TensorInfo as Info } from '@engine/tensor';
import { convForward, convInputGrad } from '../conv.js';
import { convFilterGrad } from '../conv-filter.js';
import { exactFilterGrad, isSmall } from '../conv-filter-exact.js';
import {
  engineConvShape,
  tfjsConvShape,
  type EngineConvAttrs,
  type TfjsConvAttrs,
} from '../conv-geometry.js';
import type { ConvShape } from '../conv-plan.js';
import { depthwiseFilterGrad, depthwiseForward, depthwiseInputGrad, isDepthwise } from '../depthwise.js';
import type { EngineWasm } from '../engine-wasm.js';
import { RELU } from '../kernel-ids.js';
import { sumColumns } from '../reductions.js';
import { tfjsKernel, type KernelCall, type WasmKernel } from './install.js';

function forward(backend: EngineWasm, s: ConvShape, x: Info, filter: Info, bias?: Info, flags = 0): Info {
  const y = backend.output([s.images, s.outHeight, s.outWidth, s.outChannels]);
  const [from, taps, to] = [x, filter, y].map((tensor) => backend.address(tensor)) as [
    number,
    number,
    number,
  ];
  const biases = bias ? backend.address(bias) : 0;
  if (isDepthwise(s)) depthwiseForward(backend.runtime, s, from, taps, to, biases);
  else convForward(backend.runtime, s, from, taps, to, biases, flags);
  return y;
}

function inputGrad(backend: EngineWasm, s: ConvShape, dy: Info, filter: Info): Info {
  const dx = backend.output([s.images, s.height, s.width, s.channels]);
  const pass = isDepthwise(s) ? depthwiseInputGrad : convInputGrad;
  pass(backend.runtime, s, backend.address(dy), backend.address(filter), backend.address(dx));
  return dx;
}

function filterGrad(backend: EngineWasm, s: ConvShape, x: Info, dy: Info, shape: readonly number[]): Info {
  const dfilter = backend.output(shape);
  const pass = isSmall(s) ? exactFilterGrad : isDepthwise(s) ? depthwiseFilterGrad : convFilterGrad;
  pass(backend.runtime, s, backend.address(x), backend.address(dy), backend.address(dfilter));
  return dfilter;
}

interface EngineConvGradAttrs extends EngineConvAttrs {
  needInput: boolean;
  needFilter: boolean;
  needBias: boolean;
}

function engineConvGrad({ backend, inputs, attrs }: KernelCall): Info[] {
  const { dy, x, filter } = inputs as { dy: Info; x: Info; filter: Info };
  const { needInput, needFilter, needBias, ...rest } = attrs as unknown as EngineConvGradAttrs;
  const s = engineConvShape(x.shape, filter.shape, rest);
  const grads: Info[] = [];
  if (needInput) grads.push(inputGrad(backend, s, dy, filter));
  if (needFilter) grads.push(filterGrad(backend, s, x, dy, filter.shape));
  if (needBias) grads.push(sumColumns(backend, dy, s.outChannels));
  return grads;
}

/** Gradients of tfjs's convolutions, which differ between plain and depthwise in their names only. */
function tfjsGradients(inputName: string, filterName: string, depthwise: boolean): WasmKernel[] {
  return [
    {
      name: inputName,
      run: ({ backend, inputs, attrs }) => {
        const { dy, filter } = inputs as { dy: Info; filter: Info };
        const options = attrs as unknown as TfjsConvAttrs & { inputShape: number[] };
        const s = tfjsConvShape(options.inputShape, filter.shape, options, depthwise);
        return inputGrad(backend, s, dy, filter);
      },
    },
    {
      name: filterName,
      run: ({ backend, inputs, attrs }) => {
        const { x, dy } = inputs as { x: Info; dy: Info };
        const options = attrs as unknown as TfjsConvAttrs & { filterShape: number[] };
        const s = tfjsConvShape(x.shape, options.filterShape, options, depthwise);
        return filterGrad(backend, s, x, dy, options.filterShape);
      },
    },
  ];
}

function fusedConv(): WasmKernel {
  const fusedByTfjs = tfjsKernel('FusedConv2D');
  return {
    name: 'FusedConv2D',
    run: (call) => {
      const { x, filter, bias } = call.inputs as { x: Info; filter: Info; bias?: Info };
      const attrs = call.attrs as unknown as TfjsConvAttrs & { activation: string };
      const plainBias = !bias || tf.util.sizeFromShape(bias.shape) === filter.shape[3];
      const s = tfjsConvShape(x.shape, filter.shape, attrs);
      const ours = attrs.activation === 'linear' || (attrs.activation === 'relu' && !isDepthwise(s));
      if (!plainBias || !ours) return fusedByTfjs(call);
      return forward(call.backend, s, x, filter, bias, attrs.activation === 'relu' ? RELU : 0);
    },
  };
}

/** Convolutions and their gradients. */
export function convKernels(): WasmKernel[] {
  return [
    {
      name: 'EngineConv2d',
      run: ({ backend, inputs, attrs }) => {
        const { x, filter, bias } = inputs as { x: Info; filter: Info; bias?: Info };
        const s = engineConvShape(x.shape, filter.shape, attrs as unknown as EngineConvAttrs);
        return forward(backend, s, x, filter, bias);
      },
    },
    { name: 'EngineConv2dGrad', run: engineConvGrad },
    {
      name: 'Conv2D',
      run: ({ backend, inputs, attrs }) => {
        const { x, filter } = inputs as { x: Info; filter: Info };
        return forward(
          backend,
          tfjsConvShape(x.shape, filter.shape, attrs as unknown as TfjsConvAttrs),
          x,
          filter,
        );
      },
    },
    fusedConv(),
    ...tfjsGradients('Conv2DBackpropInput', 'Conv2DBackpropFilter', false),
    {
      name: 'DepthwiseConv2dNative',
      run: ({ backend, inputs, attrs }) => {
        const { x, filter } = inputs as { x: Info; filter: Info };
        const s = tfjsConvShape(x.shape, filter.shape, attrs as unknown as TfjsConvAttrs, true);
        return forward(backend, s, x, filter);
      },
    },
    ...tfjsGradients('DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter', true),
  ];
}
