#include "allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "block-heap.h"

namespace engine {
namespace {

constexpr size_t kAlignment = 64;
/// Blocks from here on come from the block heap.
constexpr size_t kLarge = size_t{128} << 10;

/// Stands in the cache line before the data.
struct alignas(kAlignment) Header {
  size_t bytes;
};

/// Sizes of small blocks, so that at most an eighth is wasted and similar tensors share blocks.
size_t roundUp(size_t bytes) {
  if (bytes <= 512) return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  size_t step = 64;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

/// Fresh pages cost more than most operators: freed memory is kept up to a bound, small blocks by size, the newest first
/// (it is in the cache), large ones in the block heap. libtorch may free in another thread than it allocated in, so one
/// lock guards all.
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
    auto stats = stats_;
    stats.cached = cached();
    return stats;
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
    std::lock_guard<std::mutex> lock(mutex_);
    auto* header = wanted < kLarge ? small(roundUp(wanted)) : large(wanted);
    if (!header) throw std::bad_alloc();
    stats_.allocated += header->bytes;
    stats_.peak = std::max(stats_.peak, stats_.allocated);
    void* data = reinterpret_cast<char*>(header) + sizeof(Header);
    return {data, data, &CachingAllocator::release, cpu};
  }

  Header* small(size_t bytes) {
    auto& kept = free_[bytes];
    if (!kept.empty()) {
      auto* header = kept.back();
      kept.pop_back();
      smallCached_ -= bytes;
      stats_.hits++;
      return header;
    }
    stats_.misses++;
    void* base = nullptr;
    if (posix_memalign(&base, kAlignment, bytes + sizeof(Header)) != 0) return nullptr;
    return new (base) Header{bytes};
  }

  Header* large(size_t wanted) {
    const size_t before = heap_.touched();
    auto block = heap_.take(wanted + sizeof(Header));
    if (!block.start) {
      heap_.release();
      block = heap_.take(wanted + sizeof(Header));
      if (!block.start) return nullptr;
    }
    if (before >= heap_.touched() + block.bytes) stats_.hits++;
    else stats_.misses++;
    return new (block.start) Header{block.bytes};
  }

  static void release(void* data) {
    if (data) instance().give(reinterpret_cast<Header*>(static_cast<char*>(data) - sizeof(Header)));
  }

  void give(Header* header) {
    std::lock_guard<std::mutex> lock(mutex_);
    const size_t bytes = header->bytes;
    stats_.allocated -= bytes;
    if (bytes < kLarge) {
      free_[bytes].push_back(header);
      smallCached_ += bytes;
    } else {
      heap_.give({reinterpret_cast<char*>(header), bytes});
    }
    if (cached() > stats_.limit) trim(stats_.limit);
  }

  uint64_t cached() const { return smallCached_ + heap_.touched(); }

  /// Gives kept memory back until at most `limit` bytes remain. The lock is held.
  void trim(uint64_t limit) {
    if (cached() > limit) heap_.release();
    for (auto& [bytes, blocks] : free_) {
      while (cached() > limit && !blocks.empty()) {
        std::free(blocks.back());
        blocks.pop_back();
        smallCached_ -= bytes;
      }
    }
  }

  std::mutex mutex_;
  std::unordered_map<size_t, std::vector<Header*>> free_;
  uint64_t smallCached_ = 0;
  BlockHeap heap_;
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
