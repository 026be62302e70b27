#pragma once
#include <cstddef>
#include <cstdint>

namespace engine {

struct MemoryStats {
  /// Bytes of tensors alive, and the largest they have been since the last reset.
  uint64_t allocated, peak;
  /// Bytes kept for reuse, and the bound on them.
  uint64_t cached, limit;
  /// Allocations served from kept blocks, and from the system.
  uint64_t hits, misses;
};

/// Makes the caching allocator libtorch's allocator for CPU tensors; once per process, later calls do nothing.
void installAllocator();
MemoryStats memoryStats();
void resetPeak();
void emptyCache();
void setCacheLimit(uint64_t bytes);

}  // namespace engine
