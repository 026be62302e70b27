import { EngineError, nearest, show } from '@engine/core';

import { native, type NativeInfo } from './native.js';

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
 * libtorch's name (`cpu`, `cuda:0`) of a device.
 * @param part what stands after `torch:` in a device string: `cpu`, `cuda`, `cuda:1`; undefined for the first GPU, or
 *   the processor where there is none
 * @param info what the addon says about itself
 * @throws E_TORCH_DEVICE when there is no such device
 */
export function deviceName(
  part: string | undefined,
  info: Pick<NativeInfo, 'version' | 'cuda' | 'cudaDevices'>,
): string {
  const { version, cuda, cudaDevices: gpus } = info;
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
  if (kind === 'cpu' && number === undefined) return 'cpu';
  if (kind !== 'cuda' || rest.length > 0 || (number !== undefined && !/^\d{1,3}$/.test(number))) {
    const guess = nearest(kind, ['cpu', 'cuda']);
    throw refuse(`libtorch has no device '${part}'.`, undefined, guess && `torch:${guess}`);
  }
  if (!cuda) {
    const fix = 'install a libtorch with CUDA, set LIBTORCH to its folder, and build again';
    throw refuse(`libtorch ${version} was built without CUDA.`, `${fix}   (npm run setup:torch)`);
  }
  if (gpus === 0) {
    throw refuse(`libtorch ${version} finds no GPU that it can use.`, 'see what nvidia-smi says');
  }
  const index = Number(number ?? 0);
  if (index < gpus) return `cuda:${index}`;
  const count = gpus === 1 ? 'one GPU' : `${gpus} GPUs, numbered from 0`;
  throw refuse(`There is no GPU ${index}: libtorch finds ${count}.`);
}

/**
 * Makes tensors on a device from now on; those that exist stay where they are.
 * @param part as for {@link deviceName}
 * @throws E_TORCH_DEVICE when there is no such device
 */
export function useDevice(part: string | undefined): void {
  const addon = native();
  const device = deviceName(part, addon.info());
  addon.setDevice(device);
  current = device;
}
