import { EngineError, nearest, show } from '@engine/core';

import { native } from './native.js';

/** Where tensors are made, as libtorch calls it. */
let current = 'cpu';

export const isGpu = (): boolean => current !== 'cpu';

/** What the devices of this machine are called in a config. */
function known(gpus: number): string {
  const names = ["'torch:cpu'", ...(gpus > 0 ? ["'torch:cuda'"] : [])];
  for (let i = 0; i < Math.min(gpus, 8); i++) names.push(`'torch:cuda:${i}'`);
  return names.join(', ');
}

/**
 * Makes tensors on a device from now on; those that exist stay where they are.
 * @param part what stands after `torch:` in a device string: `cpu`, `cuda`, `cuda:1`; undefined for the first GPU, or
 *   the processor where there is none
 * @returns libtorch's name of the device: `cpu`, `cuda:0`
 * @throws E_TORCH_DEVICE when there is no such device
 */
export function useDevice(part: string | undefined): string {
  const { version, cuda, cudaDevices: gpus } = native().info();
  const refuse = (what: string, fix?: string, didYouMean?: string): EngineError =>
    new EngineError({
      code: 'E_TORCH_DEVICE',
      what,
      received: `device = ${show(`torch:${part}`)}`,
      expected: gpus > 0 ? `one of ${known(gpus)}` : known(gpus),
      didYouMean,
      fix,
      exitCode: 2,
    });
  const [kind, number, ...rest] = (part ?? (gpus > 0 ? 'cuda' : 'cpu')).split(':') as [string, ...string[]];
  const isIndex = number === undefined || /^\d{1,3}$/.test(number);
  if (kind === 'cpu' && number === undefined) current = 'cpu';
  else if (kind !== 'cuda' || !isIndex || rest.length > 0) {
    const guess = nearest(kind, ['cpu', 'cuda']);
    throw refuse(`libtorch has no device '${part}'.`, undefined, guess && `torch:${guess}`);
  } else if (!cuda) {
    const fix = 'install a libtorch with CUDA, set LIBTORCH to its folder, and build again';
    throw refuse(`libtorch ${version} was built without CUDA.`, `${fix}   (npm run setup:torch)`);
  } else if (gpus === 0) {
    throw refuse(`libtorch ${version} finds no GPU that it can use.`, 'see what nvidia-smi says');
  } else if (Number(number ?? 0) >= gpus) {
    const count = gpus === 1 ? 'one GPU' : `${gpus} GPUs, numbered from 0`;
    throw refuse(`There is no GPU ${Number(number)}: libtorch finds ${count}.`);
  } else current = `cuda:${Number(number ?? 0)}`;
  native().setDevice(current);
  return current;
}
