import { aten, atenAll, atenVoid } from '../aten.js';
import { f32, kernel, on, onList } from '../kernels/define.js';

interface Group {
  groups: number;
  epsilon: number;
}

kernel<Group>('EngineGroupNorm', ({ x, gamma, beta }, { groups, epsilon }) =>
  atenAll('engine::group_norm', f32(on(x)), f32(on(gamma)), f32(on(beta)), groups, epsilon),
);
kernel<Group>('EngineGroupNormGrad', ({ dy, x, gamma, mean, invStd }, { groups }) =>
  atenAll(
    'engine::group_norm_grad',
    ...[dy, x, gamma, mean, invStd].map((tensor) => f32(on(tensor))),
    groups,
  ),
);

interface Dropout {
  threshold: number;
  scale: number;
  key0: number;
  key1: number;
  call: number;
}

kernel<Dropout>('EngineDropout', ({ x }, { threshold, scale, key0, key1, call }) =>
  aten('engine::dropout', f32(on(x)), threshold, scale, key0, key1, call),
);

kernel<{ count: number; normType: number }>('EngineGlobalNorm', (inputs, { count, normType }) =>
  aten('engine::global_norm', onList(inputs, 't', count).map(f32), normType),
);

interface Clip {
  count: number;
  maxNorm: number;
  normType: number;
}

kernel<Clip>('EngineClipGradNorm', (inputs, { count, maxNorm, normType }) => {
  const given = onList(inputs, 't', count);
  const [norm, ...clipped] = atenAll('engine::clip_grad_norm', given.map(f32), maxNorm, normType);
  return [norm!, ...(clipped.length > 0 ? clipped : given)];
});

kernel<{ count: number; share: number }>('EngineEmaUpdate', (inputs, { count, share }) => {
  atenVoid('engine::ema_update', onList(inputs, 'p', count), onList(inputs, 'g', count).map(f32), share);
  return [];
});
