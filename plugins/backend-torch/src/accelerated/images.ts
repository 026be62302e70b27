import { aten, atenAll, toScalar } from '../aten.js';
import { toOihw } from '../convolution.js';
import { kernel, on } from '../kernels/define.js';
import { toNchw, toNhwc } from '../kernels/pool.js';
import { SCALAR, type Storage } from '../storage.js';

type Pair = [number, number];

interface Transposed {
  strides: Pair;
  /** top, bottom, left, right */
  pads: [number, number, number, number];
  dilations: Pair;
  groups: number;
  outputPadding: Pair;
}

kernel<Transposed>('EngineConvTranspose2d', ({ x, filter, bias }, attrs) => {
  const { strides, dilations, groups, outputPadding } = attrs;
  const [top, bottom, left, right] = attrs.pads;
  const call = (padding: Pair, behind: Pair): Storage =>
    toNhwc(
      aten(
        'convolution',
        toNchw(on(x)),
        toOihw(on(filter)),
        bias ? on(bias) : null,
        strides,
        padding,
        dilations,
        true,
        behind,
        groups,
      ),
    );
  if (top === bottom && left === right) return call([top, left], outputPadding);
  // Padding that differs is cut from the whole result, or what is to be added behind beyond it is added.
  const beyond = (padding: number, axis: 0 | 1): number => Math.max(0, outputPadding[axis] - padding);
  const whole = call([0, 0], [beyond(bottom, 0), beyond(right, 1)]);
  const cut = (y: Storage, axis: 0 | 1, before: number, behind: number): Storage => {
    const size = y.shape[axis + 1]!;
    return aten('slice.Tensor', y, axis + 1, before, size - Math.max(0, behind - outputPadding[axis]), 1);
  };
  return aten('contiguous', cut(cut(whole, 0, top, bottom), 1, left, right));
});

interface Resize {
  size: Pair;
  alignCorners: boolean;
  /** 0 to take it from the sizes. */
  scales: Pair;
  inputSize: Pair;
}

const RESIZE: Readonly<Record<string, { op: string; grad: string; corners: boolean }>> = {
  EngineResizeNearest: { op: 'upsample_nearest2d', grad: 'upsample_nearest2d_backward', corners: false },
  EngineResizeNearestExact: {
    op: '_upsample_nearest_exact2d',
    grad: '_upsample_nearest_exact2d_backward',
    corners: false,
  },
  EngineResizeBilinear: { op: 'upsample_bilinear2d', grad: 'upsample_bilinear2d_backward', corners: true },
  EngineResizeBicubic: { op: 'upsample_bicubic2d', grad: 'upsample_bicubic2d_backward', corners: true },
};

for (const [name, { op, grad, corners }] of Object.entries(RESIZE)) {
  const options = ({ alignCorners, scales }: Resize): (boolean | number | null)[] => [
    ...(corners ? [alignCorners] : []),
    ...scales.map((scale) => (scale > 0 ? scale : null)),
  ];
  kernel<Resize>(name, ({ x }, attrs) => toNhwc(aten(op, toNchw(on(x)), attrs.size, ...options(attrs))));
  kernel<Resize>(`${name}Grad`, ({ dy }, attrs) => {
    const [n, , , c] = dy!.shape as [number, number, number, number];
    const input = [n, c, ...attrs.inputSize];
    return toNhwc(aten(grad, toNchw(on(dy)), attrs.size, input, ...options(attrs)));
  });
}

interface Adaptive {
  size: Pair;
  inputSize: Pair;
}

/** Something of the input's shape, of which the gradients read nothing else. */
function inputLike(dy: Storage, { inputSize }: Adaptive): Storage {
  const [n, , , c] = dy.shape as [number, number, number, number];
  return toNchw(aten('empty.memory_format', [n, ...inputSize, c], dy.scalar));
}

kernel<Adaptive>('EngineAdaptiveAvgPool2d', ({ x }, { size }) =>
  aten('contiguous', toNhwc(aten('adaptive_avg_pool2d', toNchw(on(x)), size))),
);
kernel<Adaptive>('EngineAdaptiveAvgPool2dGrad', ({ dy }, attrs) => {
  const given = on(dy);
  return toNhwc(aten('_adaptive_avg_pool2d_backward', toNchw(given), inputLike(given, attrs)));
});
kernel<Adaptive>('EngineAdaptiveMaxPool2d', ({ x }, { size }) =>
  atenAll('adaptive_max_pool2d', toNchw(on(x)), size).map((result) => aten('contiguous', toNhwc(result))),
);
kernel<Adaptive>('EngineAdaptiveMaxPool2dGrad', ({ dy, indices }, attrs) => {
  const given = on(dy);
  const places = toNchw(toScalar(on(indices), SCALAR.int64));
  return toNhwc(aten('adaptive_max_pool2d_backward', toNchw(given), inputLike(given, attrs), places));
});
