#include "block-heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>

namespace engine {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
/// Address space only.
constexpr size_t kSegment = size_t{1} << 30;

size_t roundUp(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

BlockHeap::Block BlockHeap::take(size_t wanted) {
  const size_t bytes = roundUp(wanted, kGrain);
  auto found = bySize_.lower_bound({bytes, nullptr});
  if (found == bySize_.end()) {
    if (!grow(bytes)) return {nullptr, 0};
    found = bySize_.lower_bound({bytes, nullptr});
  }
  const auto at = free_.find(found->second);
  char* start = at->first;
  const Free block = at->second;
  erase(at);
  // Low addresses are used first, so what has been touched lies at the front.
  const size_t used = std::min(block.touched, bytes);
  if (block.bytes > bytes) insert(start + bytes, {block.bytes - bytes, block.touched - used});
  return {start, bytes};
}

void BlockHeap::give(Block block) {
  char* start = block.start;
  Free merged{block.bytes, block.bytes};
  auto after = free_.lower_bound(start);
  if (after != free_.end() && after->first == start + block.bytes && !startsSegment(after->first)) {
    merged.bytes += after->second.bytes;
    merged.touched += after->second.touched;
    after = erase(after);
  }
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second.bytes == start && !startsSegment(start)) {
      start = before->first;
      merged.bytes += before->second.bytes;
      merged.touched += before->second.touched;
      erase(before);
    }
  }
  insert(start, merged);
}

void BlockHeap::release() {
  for (auto at = free_.begin(); at != free_.end();) {
    const auto whole = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& segment) {
      return segment.start == at->first && segment.bytes == at->second.bytes;
    });
    if (whole != segments_.end()) {
      munmap(whole->start, whole->bytes);
      segments_.erase(whole);
      at = erase(at);
      continue;
    }
    if (at->second.touched > 0) {
      madvise(at->first, at->second.bytes, MADV_DONTNEED);
      touched_ -= at->second.touched;
      at->second.touched = 0;
    }
    ++at;
  }
}

bool BlockHeap::grow(size_t bytes) {
  // A system that counts address space may refuse a large segment and grant a small one.
  for (const size_t size : {std::max(kSegment, roundUp(bytes, kHugePage)), roundUp(bytes, kHugePage)}) {
    void* start = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) continue;
    auto* aligned = reinterpret_cast<char*>(roundUp(reinterpret_cast<size_t>(start), kHugePage));
    const size_t before = aligned - static_cast<char*>(start);
    if (before > 0) munmap(start, before);
    munmap(aligned + size, kHugePage - before);
#ifdef MADV_HUGEPAGE
    madvise(aligned, size, MADV_HUGEPAGE);
#endif
    segments_.push_back({aligned, size});
    insert(aligned, {size, 0});
    return true;
  }
  return false;
}

void BlockHeap::insert(char* start, Free block) {
  free_.emplace(start, block);
  bySize_.emplace(block.bytes, start);
  touched_ += block.touched;
}

BlockHeap::FreeMap::iterator BlockHeap::erase(FreeMap::iterator at) {
  bySize_.erase({at->second.bytes, at->first});
  touched_ -= at->second.touched;
  return free_.erase(at);
}

bool BlockHeap::startsSegment(const char* at) const {
  return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& segment) { return segment.start == at; });
}

}  // namespace engine
