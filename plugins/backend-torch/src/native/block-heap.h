#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace engine {

/// Large blocks cut out of segments that are mapped from the system: the smallest free block that is large enough
/// serves, what is left over stays free, and neighbours that are free grow together again. A segment's pages become
/// memory only when they are touched, and blocks at low addresses are preferred, so that what a training step occupies
/// is what its tensors need at their most, whatever their sizes. Not thread-safe.
class BlockHeap {
 public:
  /// Blocks are multiples of this, and aligned to it.
  static constexpr size_t kGrain = 4096;

  struct Block {
    char* start;
    size_t bytes;
  };

  /// At least `bytes`; start is null when the system has no more memory.
  Block take(size_t bytes);
  void give(Block block);
  /// Bytes of free blocks that have been used before, and are likely to occupy memory.
  size_t touched() const { return touched_; }
  /// Gives the memory of all free blocks back to the system.
  void release();

 private:
  struct Free {
    size_t bytes;
    /// How many of the bytes have been in use.
    size_t touched;
  };
  using FreeMap = std::map<char*, Free>;

  struct Segment {
    char* start;
    size_t bytes;
  };

  bool grow(size_t bytes);
  void insert(char* start, Free block);
  FreeMap::iterator erase(FreeMap::iterator at);
  bool startsSegment(const char* at) const;

  FreeMap free_;
  std::set<std::pair<size_t, char*>> bySize_;
  std::vector<Segment> segments_;
  size_t touched_ = 0;
};

}  // namespace engine
