#include "device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#ifdef ENGINE_WITH_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif

// What must be asked of CUDA by name; everything else goes through the dispatcher, so that one source serves a libtorch
// with CUDA and one without.

namespace engine {

bool hasCudaBuild() { return at::detail::getCUDAHooks().hasCUDART(); }

int cudaDevices() { return at::hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0; }

void synchronize(c10::Device device) {
  if (device.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device.index());
}

#ifdef ENGINE_WITH_CUDA

namespace cuda = c10::cuda::CUDACachingAllocator;

MemoryStats deviceStats(c10::Device device) {
  if (!device.is_cuda()) return memoryStats();
  const auto stats = cuda::getDeviceStats(device.index());
  // The first entry is the sum over small and large blocks.
  const auto& used = stats.allocated_bytes[0];
  const auto& reserved = stats.reserved_bytes[0];
  MemoryStats out{};
  out.allocated = static_cast<uint64_t>(used.current);
  out.peak = static_cast<uint64_t>(used.peak);
  out.cached = static_cast<uint64_t>(reserved.current - used.current);
  return out;
}

void resetDevicePeak(c10::Device device) {
  if (device.is_cuda()) cuda::resetPeakStats(device.index());
  else resetPeak();
}

void emptyDeviceCache(c10::Device device) {
  if (device.is_cuda()) cuda::emptyCache();
  else emptyCache();
}

#else

MemoryStats deviceStats(c10::Device device) { return device.is_cuda() ? MemoryStats{} : memoryStats(); }

void resetDevicePeak(c10::Device device) {
  if (!device.is_cuda()) resetPeak();
}

void emptyDeviceCache(c10::Device device) {
  if (!device.is_cuda()) emptyCache();
}

#endif

}  // namespace engine
