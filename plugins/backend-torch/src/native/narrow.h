#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace engine {

/// bfloat16 (the upper half of a float32) to float32, and back to the nearest, ties to even.
void widen(const uint16_t* from, float* to, int64_t n);
void narrow(const float* from, uint16_t* to, int64_t n);

/// Floats that a block of work handles at a time when they are stored narrow: a few such blocks fit the innermost cache.
constexpr int64_t kNarrowBlock = 2048;

/// A packed tensor of float32 or bfloat16, read as float32.
class Source {
 public:
  explicit Source(const at::Tensor& packed) {
    if (packed.scalar_type() == at::kBFloat16) {
      narrow_ = static_cast<const uint16_t*>(packed.data_ptr());
    } else {
      wide_ = packed.data_ptr<float>();
    }
  }
  Source() = default;

  bool isNarrow() const { return narrow_ != nullptr; }
  explicit operator bool() const { return narrow_ || wide_; }

  /// `count` elements from `from` on, in `scratch` unless they are float32 anyway.
  const float* at(int64_t from, int64_t count, std::vector<float>& scratch) const {
    if (wide_) return wide_ + from;
    if (!narrow_) return nullptr;
    if (static_cast<int64_t>(scratch.size()) < count) scratch.resize(count);
    widen(narrow_ + from, scratch.data(), count);
    return scratch.data();
  }

 private:
  const float* wide_ = nullptr;
  const uint16_t* narrow_ = nullptr;
};

/// A packed tensor of float32 or bfloat16, written as float32.
class Sink {
 public:
  explicit Sink(const at::Tensor& packed) {
    if (packed.scalar_type() == at::kBFloat16) {
      narrow_ = static_cast<uint16_t*>(packed.data_ptr());
    } else {
      wide_ = packed.data_ptr<float>();
    }
  }

  /// Where to write `count` elements from `from` on; `done` brings them to their place.
  float* at(int64_t from, int64_t count, std::vector<float>& scratch) const {
    if (wide_) return wide_ + from;
    if (static_cast<int64_t>(scratch.size()) < count) scratch.resize(count);
    return scratch.data();
  }
  void done(int64_t from, int64_t count, const std::vector<float>& scratch) const {
    if (narrow_) narrow(scratch.data(), narrow_ + from, count);
  }

 private:
  float* wide_ = nullptr;
  uint16_t* narrow_ = nullptr;
};

/// Calls `body(first, count)` for blocks of rows: all at once, or when they are stored narrow few enough to stay in the
/// innermost cache as float32.
template <typename Body>
void inBlocks(bool isNarrow, int64_t first, int64_t last, int64_t rowLength, Body body) {
  const int64_t step = isNarrow ? std::max<int64_t>(1, kNarrowBlock / std::max<int64_t>(rowLength, 1)) : last - first;
  for (int64_t row = first; row < last; row += step) body(row, std::min(step, last - row));
}

}  // namespace engine
