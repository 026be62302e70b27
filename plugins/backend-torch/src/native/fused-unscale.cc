#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "simd.h"

// Gradients without the loss scale, and whether one of them is not finite: one pass over all of them.

namespace engine {
namespace {

union Bits {
  float value;
  uint32_t bits;
};

/// Returns 0 when every element is finite.
ENGINE_SIMD uint32_t scaleRange(const float* x, float* y, int64_t n, float factor) {
  uint32_t strange = 0;
  for (int64_t i = 0; i < n; i++) {
    Bits given;
    given.value = x[i];
    strange |= (given.bits & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
    y[i] = x[i] * factor;
  }
  return strange;
}

bool onProcessor(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.is_non_overlapping_and_dense();
}

/// The gradients times `factor`, then a scalar: 0 when all of them are finite.
std::vector<at::Tensor> unscale(at::TensorList grads, double factor) {
  TORCH_CHECK(!grads.empty(), "unscale wants at least one gradient");
  const auto wide = grads[0].options().dtype(at::kFloat);
  if (!std::all_of(grads.begin(), grads.end(), onProcessor)) {
    auto results = at::_foreach_mul(grads, factor);
    auto found = at::full({1}, 0, wide), one = at::full({1}, 1, wide);
    at::_amp_foreach_non_finite_check_and_unscale_(results, found, one);
    results.push_back(found.reshape({}));
    return results;
  }
  constexpr int64_t kPiece = 1 << 15;
  struct Piece {
    size_t which;
    int64_t from, count;
  };
  std::vector<Piece> pieces;
  std::vector<at::Tensor> results;
  for (size_t i = 0; i < grads.size(); i++) {
    results.push_back(at::empty_like(grads[i]));
    for (int64_t from = 0; from < grads[i].numel(); from += kPiece) {
      pieces.push_back({i, from, std::min(kPiece, grads[i].numel() - from)});
    }
  }
  std::atomic<uint32_t> strange{0};
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const auto& [which, from, count] = pieces[i];
      const auto* x = grads[which].data_ptr<float>() + from;
      strange |= scaleRange(x, results[which].data_ptr<float>() + from, count, static_cast<float>(factor));
    }
  });
  results.push_back(at::full({}, static_cast<double>(strange.load()), wide));
  return results;
}

TORCH_LIBRARY_FRAGMENT(engine, m) { m.def("unscale(Tensor[] grads, float factor) -> Tensor[]", unscale); }

}  // namespace
}  // namespace engine
