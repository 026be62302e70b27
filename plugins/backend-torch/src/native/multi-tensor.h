#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>

#include <algorithm>
#include <vector>

#include "host-array.h"

// What operators that change many tensors in one pass have in common.

namespace engine {

/// A tensor whose storage something else shares, a typed array for one, gets storage of its own: an update must not show in a snapshot that
/// was taken as a view. (Clones of a tfjs tensor are the same tensor, and do change.)
inline void own(const at::Tensor& x) {
  if (x.storage().use_count() <= 1 && !isShared(x)) return;
  auto copy = x.clone();
  x.unsafeGetTensorImpl()->set_storage_keep_dtype(copy.storage());
  x.unsafeGetTensorImpl()->set_storage_offset(copy.storage_offset());
  x.unsafeGetTensorImpl()->set_sizes_and_strides(copy.sizes(), copy.strides());
}

inline bool dense(const at::Tensor& x) { return x.is_non_overlapping_and_dense(); }

/// The tensor in the memory layout of `like`, so that both can be walked as plain arrays.
inline at::Tensor alike(const at::Tensor& x, const at::Tensor& like) {
  if (x.strides() == like.strides() || (x.is_contiguous() && like.is_contiguous())) return x;
  auto out = at::empty_strided(like.sizes(), like.strides(), like.options());
  out.copy_(x);
  return out;
}

/// State takes over the layout of its parameter for good.
inline void align(const at::Tensor& x, const at::Tensor& like) {
  own(x);
  if (x.strides() == like.strides()) return;
  auto copy = alike(x, like);
  if (copy.is_same(x)) return;
  x.unsafeGetTensorImpl()->set_storage_keep_dtype(copy.storage());
  x.unsafeGetTensorImpl()->set_storage_offset(0);
  x.unsafeGetTensorImpl()->set_sizes_and_strides(copy.sizes(), copy.strides());
}

/// A parameter lies like its gradient from the first step on: a filter's comes out of the backward pass with its
/// channels last, as the convolution wants the filter.
inline void prepare(const at::Tensor& p, const at::Tensor& g) {
  own(p);
  if (dense(g) && p.strides() != g.strides() && !(p.is_contiguous() && g.is_contiguous())) align(p, g);
}

/// Elements of a piece of work.
constexpr int64_t kPiece = 1 << 14;

/// Pieces of all parameters, so that many small ones still make work for every thread.
template <typename Step>
void overAll(const std::vector<int64_t>& sizes, Step step) {
  struct Piece {
    size_t which;
    int64_t from, count;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < sizes.size(); i++) {
    for (int64_t from = 0; from < sizes[i]; from += kPiece) {
      pieces.push_back({i, from, std::min(kPiece, sizes[i] - from)});
    }
  }
  const auto run = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) step(pieces[i].which, pieces[i].from, pieces[i].count);
  };
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 2, run);
}

}  // namespace engine
