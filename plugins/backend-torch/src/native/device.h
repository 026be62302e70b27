#pragma once
#include <c10/core/Device.h>

#include "allocator.h"

namespace engine {

/// Whether this libtorch was built with CUDA, whether or not a GPU is there.
bool hasCudaBuild();
/// GPUs that libtorch can use now.
int cudaDevices();
/// Waits until everything that was queued on the device is done.
void synchronize(c10::Device device);

/// Memory of the device's tensors. Zeros for a GPU when the addon was built without CUDA's headers.
MemoryStats deviceStats(c10::Device device);
void resetDevicePeak(c10::Device device);
void emptyDeviceCache(c10::Device device);

}  // namespace engine
