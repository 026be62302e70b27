#include "allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace engine {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

/// Stands in the cache line before the data.
struct alignas(kAlignment) Header {
  size_t bytes;
};

/// Sizes are rounded up so that at most an eighth is wasted and similar tensors share blocks.
size_t roundUp(size_t bytes) {
  if (bytes <= 512) return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  size_t step = 64;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

/// Fresh pages cost more than most operators: freed blocks are kept by size, the newest first (it is in the cache),
/// up to a bound. libtorch may free in another thread than it allocated in, so one lock guards all.
class CachingAllocator final : public c10::Allocator {
 public:
  // libtorch 1.13 calls the const form, 2.x the other.
  c10::DataPtr allocate(size_t bytes) const { return const_cast<CachingAllocator*>(this)->take(bytes); }
  c10::DataPtr allocate(size_t bytes) { return take(bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return &CachingAllocator::release; }
  void copy_data(void* to, const void* from, size_t bytes) const { std::memcpy(to, from, bytes); }

  static CachingAllocator& instance() {
    // Never destroyed: tensors may outlive it at exit.
    static auto* allocator = new CachingAllocator();
    return *allocator;
  }

  MemoryStats stats() {
    std::lock_guard<std::mutex> lock(mutex_);
    return stats_;
  }
  void resetPeak() {
    std::lock_guard<std::mutex> lock(mutex_);
    stats_.peak = stats_.allocated;
  }
  void setLimit(uint64_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    stats_.limit = bytes;
    trim(bytes);
  }
  void empty() {
    std::lock_guard<std::mutex> lock(mutex_);
    trim(0);
  }

 private:
  CachingAllocator() : stats_{} {
    const auto pages = static_cast<uint64_t>(std::max(0L, sysconf(_SC_PHYS_PAGES)));
    const auto page = static_cast<uint64_t>(std::max(0L, sysconf(_SC_PAGESIZE)));
    stats_.limit = std::max<uint64_t>(uint64_t{64} << 20, pages * page / 4);
  }

  c10::DataPtr take(size_t wanted) {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (wanted == 0) return {nullptr, nullptr, &CachingAllocator::release, cpu};
    const size_t bytes = roundUp(wanted);
    void* data = nullptr;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stats_.allocated += bytes;
      stats_.peak = std::max(stats_.peak, stats_.allocated);
      const auto found = free_.find(bytes);
      if (found != free_.end() && !found->second.empty()) {
        data = found->second.back();
        found->second.pop_back();
        stats_.cached -= bytes;
        stats_.hits++;
      } else {
        stats_.misses++;
      }
    }
    if (!data) data = fresh(bytes);
    return {data, data, &CachingAllocator::release, cpu};
  }

  void* fresh(size_t bytes) {
    void* base = reserve(bytes);
    if (!base) {
      empty();
      base = reserve(bytes);
    }
    if (!base) {
      std::lock_guard<std::mutex> lock(mutex_);
      stats_.allocated -= bytes;
      throw std::bad_alloc();
    }
    new (base) Header{bytes};
    return static_cast<char*>(base) + sizeof(Header);
  }

  static void* reserve(size_t bytes) {
    void* base = nullptr;
    const size_t total = bytes + sizeof(Header);
    if (posix_memalign(&base, total >= 2 * kHugePage ? kHugePage : kAlignment, total) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
    if (total >= 2 * kHugePage) madvise(base, total, MADV_HUGEPAGE);
#endif
    return base;
  }

  static void release(void* data) {
    if (!data) return;
    instance().give(data);
  }

  void give(void* data) {
    auto* header = reinterpret_cast<Header*>(static_cast<char*>(data) - sizeof(Header));
    const size_t bytes = header->bytes;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stats_.allocated -= bytes;
      if (stats_.cached + bytes <= stats_.limit) {
        free_[bytes].push_back(data);
        stats_.cached += bytes;
        return;
      }
    }
    std::free(header);
  }

  /// Gives kept blocks back until at most `limit` bytes remain. The lock is held.
  void trim(uint64_t limit) {
    for (auto& [bytes, blocks] : free_) {
      while (stats_.cached > limit && !blocks.empty()) {
        std::free(static_cast<char*>(blocks.back()) - sizeof(Header));
        blocks.pop_back();
        stats_.cached -= bytes;
      }
    }
  }

  std::mutex mutex_;
  std::unordered_map<size_t, std::vector<void*>> free_;
  MemoryStats stats_;
};

}  // namespace

void installAllocator() {
  // Above the priority of libtorch's own.
  static const bool done = (c10::SetCPUAllocator(&CachingAllocator::instance(), 100), true);
  (void)done;
}

MemoryStats memoryStats() { return CachingAllocator::instance().stats(); }
void resetPeak() { CachingAllocator::instance().resetPeak(); }
void emptyCache() { CachingAllocator::instance().empty(); }
void setCacheLimit(uint64_t bytes) { CachingAllocator::instance().setLimit(bytes); }

}  // namespace engine
