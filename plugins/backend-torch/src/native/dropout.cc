#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdint>

#include "simd.h"

// Dropout by counter-based random numbers: Philox4x32-10, J. Salmon et al. 2011, "Parallel random numbers: as easy as
// 1, 2, 3". Element i is kept by word i mod 4 of block i / 4, the numbers of `packages/tensor/src/philox.ts`.

namespace engine {
namespace {

constexpr int64_t kBlocks = 16;
constexpr int64_t kWords = 4 * kBlocks;

/// Words of `kBlocks` blocks from `first` on; rounds are outside, so that the blocks fill a vector.
ENGINE_SIMD void philox(uint64_t first, uint32_t key0, uint32_t key1, uint64_t call, uint32_t* words) {
  uint32_t a[kBlocks], b[kBlocks], c[kBlocks], d[kBlocks];
  for (int64_t i = 0; i < kBlocks; i++) {
    a[i] = static_cast<uint32_t>(first + i);
    b[i] = static_cast<uint32_t>((first + i) >> 32);
    c[i] = static_cast<uint32_t>(call);
    d[i] = static_cast<uint32_t>(call >> 32);
  }
  for (int round = 0; round < 10; round++) {
    for (int64_t i = 0; i < kBlocks; i++) {
      const uint64_t left = static_cast<uint64_t>(a[i]) * 0xD2511F53u, right = static_cast<uint64_t>(c[i]) * 0xCD9E8D57u;
      a[i] = static_cast<uint32_t>(right >> 32) ^ b[i] ^ key0;
      b[i] = static_cast<uint32_t>(right);
      c[i] = static_cast<uint32_t>(left >> 32) ^ d[i] ^ key1;
      d[i] = static_cast<uint32_t>(left);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int64_t i = 0; i < kBlocks; i++) {
    words[4 * i] = a[i];
    words[4 * i + 1] = b[i];
    words[4 * i + 2] = c[i];
    words[4 * i + 3] = d[i];
  }
}

ENGINE_SIMD void keep(const float* x, float* y, const uint32_t* words, int64_t n, uint32_t threshold, float scale) {
  for (int64_t i = 0; i < n; i++) y[i] = x[i] * (words[i] >= threshold ? scale : 0.f);
}

at::Tensor dropout(const at::Tensor& given, int64_t threshold, double scale, int64_t key0, int64_t key1, int64_t call) {
  const auto x = given.to(at::kCPU).contiguous();
  auto y = at::empty_like(x);
  const auto* from = x.data_ptr<float>();
  auto* to = y.data_ptr<float>();
  const int64_t size = x.numel();
  at::parallel_for(0, (size + kWords - 1) / kWords, 256, [&](int64_t begin, int64_t end) {
    uint32_t words[kWords];
    for (int64_t i = begin; i < end; i++) {
      philox(static_cast<uint64_t>(i * kBlocks), static_cast<uint32_t>(key0), static_cast<uint32_t>(key1),
             static_cast<uint64_t>(call), words);
      keep(from + i * kWords, to + i * kWords, words, std::min(kWords, size - i * kWords),
           static_cast<uint32_t>(threshold), static_cast<float>(scale));
    }
  });
  return y.to(given.device());
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  m.def("dropout(Tensor x, int threshold, float scale, int key0, int key1, int call) -> Tensor", dropout);
}

}  // namespace
}  // namespace engine
