import { describe, expect, it } from 'vitest';

import { deviceName } from './device.js';

const without = { version: '1.13.0', cuda: false, cudaDevices: 0 };
const idle = { version: '2.9.0', cuda: true, cudaDevices: 0 };
const two = { version: '2.9.0', cuda: true, cudaDevices: 2 };

describe('deviceName', () => {
  it('is the first GPU unless said, and the processor where there is none', () => {
    expect(deviceName(undefined, two)).toBe('cuda:0');
    expect(deviceName(undefined, without)).toBe('cpu');
    expect(deviceName(undefined, idle)).toBe('cpu');
  });

  it('takes the names of devices that are there', () => {
    expect(['cpu', 'cuda', 'cuda:0', 'cuda:1'].map((part) => deviceName(part, two))).toEqual([
      'cpu',
      'cuda:0',
      'cuda:0',
      'cuda:1',
    ]);
  });

  it('names what can be used instead of a GPU that is not there', () => {
    expect(() => deviceName('cuda', without)).toThrow(
      /E_TORCH_DEVICE\] libtorch 1\.13\.0 was built without CUDA\.\n {2}received {2}device = 'torch:cuda'\n {2}expected {2}'torch:cpu'\n {2}fix {7}install a libtorch with CUDA/,
    );
    expect(() => deviceName('cuda:0', idle)).toThrow(/finds no GPU[\s\S]*expected {2}'torch:cpu'/);
    expect(() => deviceName('cuda:7', two)).toThrow(
      /There is no GPU 7: libtorch finds 2 GPUs[\s\S]*expected {2}one of 'torch:cpu', 'torch:cuda', 'torch:cuda:0', 'torch:cuda:1'/,
    );
  });

  it('suggests the device that was meant', () => {
    expect(() => deviceName('cuds', two)).toThrow(
      /libtorch has no device 'cuds'[\s\S]*did you mean 'torch:cuda'\?/,
    );
    for (const wrong of ['', 'cuda:', 'cuda:x', 'cuda:-1', 'cuda:1:2', 'cpu:0', 'CUDA']) {
      expect(() => deviceName(wrong, two), wrong).toThrow(/E_TORCH_DEVICE/);
    }
  });
});
