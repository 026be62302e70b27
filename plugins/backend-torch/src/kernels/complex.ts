import type { tf } from '@engine/tensor';

import { aten, toScalar } from '../aten.js';
import { SCALAR } from '../storage.js';
import { kernel, on } from './define.js';

kernel('Complex', ({ real, imag }) => aten('complex', on(real), on(imag)));
kernel('Real', ({ input }) => {
  const x = on(input);
  return x.scalar === SCALAR.complex64 ? aten('contiguous', aten('real', x)) : x;
});
kernel('Imag', ({ input }) => aten('contiguous', aten('imag', on(input))));
kernel('FFT', ({ input }) => aten('fft_fft', toScalar(on(input), SCALAR.complex64), null, -1));
kernel('IFFT', ({ input }) => aten('fft_ifft', toScalar(on(input), SCALAR.complex64), null, -1));

kernel<tf.RangeAttrs>('Range', (_inputs, { start, stop, step, dtype }) => {
  const type = dtype === 'int32' ? SCALAR.int32 : SCALAR.float32;
  const none = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
  if (none) return aten('zeros', [0], type);
  const stride = stop < start && step === 1 ? -1 : step;
  const count = Math.abs(Math.ceil((stop - start) / stride));
  // Repeated addition would drift: the i-th value is start + i · step.
  const places = aten('arange', count, SCALAR.double);
  return toScalar(aten('add.Scalar', aten('mul.Scalar', places, stride), start, 1), type);
});

kernel<tf.LinSpaceAttrs>('LinSpace', (_inputs, { start, stop, num }) =>
  aten('linspace', start, stop, num, SCALAR.float32),
);
