#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "fused.h"
#include "gemm.h"
#include "simd.h"
#include "softmax-rows.h"

// Scaled-dot-product attention over q [B, H, T, D], k [B, H, S, D], v [B, H, S, E] with an additive mask, and its
// gradient. Scores exist for a block of rows at a time; of each row only the logarithm of the sum of exponentials is
// kept, as in T. Dao et al. 2022 (arXiv:2205.14135).

namespace engine {
namespace {

constexpr int64_t kBlock = 64;
/// Logarithm of the sum for a row that may look at nothing: finite, so that no difference with it is NaN.
constexpr float kNothing = -3e38f;

at::Tensor unitRows(const at::Tensor& x) { return x.stride(3) == 1 ? x : x.contiguous(); }

float* head(const at::Tensor& x, int64_t b, int64_t h) { return x.data_ptr<float>() + b * x.stride(0) + h * x.stride(1); }

ENGINE_SIMD void addRow(float* x, const float* mask, int64_t step, int64_t n) {
  if (step == 1) {
    for (int64_t i = 0; i < n; i++) x[i] += mask[i];
  } else {
    for (int64_t i = 0; i < n; i++) x[i] += mask[i * step];
  }
}

/// ds = p (dp - delta), in the place of dp.
ENGINE_SIMD void scoreGradRow(float* dp, const float* p, float delta, int64_t n) {
  for (int64_t i = 0; i < n; i++) dp[i] = p[i] * (dp[i] - delta);
}

ENGINE_SIMD float dotRow(const float* a, const float* b, int64_t n) {
  float sum = 0.f;
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

struct Problem {
  int64_t heads, t, s, d, e;
  float scale;
  bool causal;
  at::Tensor q, k, v, mask;

  /// Keys that a block of queries beginning at `row` may look at.
  int64_t seen(int64_t row, int64_t rows) const { return causal ? std::min(s, row + rows) : s; }

  /// Scores of some queries with the masks added; what lies in the future is minus infinity.
  void scores(int64_t b, int64_t h, int64_t row, int64_t rows, float* out) const {
    const int64_t keys = seen(row, rows);
    gemm(false, true, rows, keys, d, scale, head(q, b, h) + row * q.stride(2), q.stride(2), head(k, b, h), k.stride(2),
         0.f, out, keys);
    for (int64_t r = 0; r < rows; r++) {
      float* x = out + r * keys;
      if (mask.defined()) addRow(x, head(mask, b, h) + (row + r) * mask.stride(2), mask.stride(3), keys);
      if (causal) std::fill(x + std::min(keys, row + r + 1), x + keys, -std::numeric_limits<float>::infinity());
    }
  }
};

Problem describe(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const c10::optional<at::Tensor>& mask,
                 double scale, bool causal) {
  const int64_t t = q.size(2), s = k.size(2);
  const auto wide = mask ? mask->expand({q.size(0), q.size(1), t, s}) : at::Tensor();
  return {q.size(1), t,           s,           q.size(3),   v.size(3), static_cast<float>(scale),
          causal,    unitRows(q), unitRows(k), unitRows(v), wide};
}

/// The whole matrix of scores, for devices other than the processor.
at::Tensor allScores(const Problem& p) {
  auto scores = at::matmul(p.q * p.scale, p.k.transpose(2, 3));
  if (p.mask.defined()) scores = scores + p.mask;
  if (p.causal) {
    const auto future = at::ones({p.t, p.s}, scores.options().dtype(at::kBool)).triu(1);
    scores = scores.masked_fill(future, -std::numeric_limits<float>::infinity());
  }
  return scores;
}

std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                           const c10::optional<at::Tensor>& mask, double scale, bool causal) {
  const auto p = describe(q, k, v, mask, scale, causal);
  if (!hasLoop(q)) {
    const auto scores = allScores(p);
    const auto lse = at::logsumexp(scores, {-1}, true).clamp_min(kNothing);
    return {at::matmul((scores - lse).exp(), p.v), lse.squeeze(-1)};
  }
  auto y = at::empty({q.size(0), p.heads, p.t, p.e}, p.q.options());
  auto lse = at::empty({q.size(0), p.heads, p.t}, p.q.options());
  const int64_t blocks = (p.t + kBlock - 1) / kBlock;
  at::parallel_for(0, q.size(0) * p.heads * blocks, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(static_cast<size_t>(std::min(kBlock, p.t) * p.s));
    for (int64_t i = begin; i < end; i++) {
      const int64_t b = i / blocks / p.heads, h = i / blocks % p.heads, row = i % blocks * kBlock;
      const int64_t rows = std::min(kBlock, p.t - row), keys = p.seen(row, rows);
      p.scores(b, h, row, rows, scratch.data());
      float* sums = head(lse, b, h) + row;
      for (int64_t r = 0; r < rows; r++) {
        float* x = scratch.data() + r * keys;
        const float most = rowMax(x, keys);
        if (most == -std::numeric_limits<float>::infinity()) {
          std::fill(x, x + keys, 0.f);
          sums[r] = kNothing;
          continue;
        }
        const float sum = expRow(x, keys, most);
        scaleRow(x, keys, 1.f / sum);
        sums[r] = std::log(sum) + most;
      }
      gemm(false, false, rows, p.e, keys, 1.f, scratch.data(), keys, head(p.v, b, h), p.v.stride(2), 0.f,
           head(y, b, h) + row * p.e, p.e);
    }
  });
  return {y, lse};
}

/// dq, dk, dv, and the gradient of the scores [B, H, T, S] with `needScores`.
std::vector<at::Tensor> elsewhere(const Problem& p, const at::Tensor& dy, const at::Tensor& y, const at::Tensor& lse,
                                  bool needScores) {
  const auto probs = (allScores(p) - lse.unsqueeze(-1)).exp();
  const auto dp = at::matmul(dy, p.v.transpose(2, 3));
  const auto ds = probs * (dp - (dy * y).sum(-1, true));
  std::vector<at::Tensor> results{at::matmul(ds, p.k) * p.scale, at::matmul(ds.transpose(2, 3), p.q) * p.scale,
                                  at::matmul(probs.transpose(2, 3), dy)};
  if (needScores) results.push_back(ds);
  return results;
}

std::vector<at::Tensor> backward(const at::Tensor& dyGiven, const at::Tensor& q, const at::Tensor& k,
                                 const at::Tensor& v, const at::Tensor& yGiven, const at::Tensor& lseGiven,
                                 const c10::optional<at::Tensor>& mask, double scale, bool causal, bool needScores) {
  const auto p = describe(q, k, v, mask, scale, causal);
  const auto dy = unitRows(dyGiven), y = unitRows(yGiven), lse = lseGiven.contiguous();
  if (!hasLoop(q)) return elsewhere(p, dy, y, lse, needScores);
  const auto options = p.q.options();
  auto dq = at::empty(q.sizes(), options), dk = at::zeros(k.sizes(), options), dv = at::zeros(v.sizes(), options);
  auto ds = needScores ? at::zeros({q.size(0), p.heads, p.t, p.s}, options) : at::Tensor();
  at::parallel_for(0, q.size(0) * p.heads, 1, [&](int64_t begin, int64_t end) {
    const auto room = static_cast<size_t>(std::min(kBlock, p.t) * p.s);
    std::vector<float> probs(room), grads(room);
    for (int64_t i = begin; i < end; i++) {
      const int64_t b = i / p.heads, h = i % p.heads;
      for (int64_t row = 0; row < p.t; row += kBlock) {
        const int64_t rows = std::min(kBlock, p.t - row), keys = p.seen(row, rows);
        const float *g = head(dy, b, h) + row * dy.stride(2), *out = head(y, b, h) + row * y.stride(2);
        p.scores(b, h, row, rows, probs.data());
        for (int64_t r = 0; r < rows; r++) expRow(probs.data() + r * keys, keys, head(lse, b, h)[row + r]);
        gemm(true, false, keys, p.e, rows, 1.f, probs.data(), keys, g, dy.stride(2), 1.f, head(dv, b, h), p.e);
        gemm(false, true, rows, keys, p.e, 1.f, g, dy.stride(2), head(p.v, b, h), p.v.stride(2), 0.f, grads.data(), keys);
        for (int64_t r = 0; r < rows; r++) {
          float* x = grads.data() + r * keys;
          scoreGradRow(x, probs.data() + r * keys, dotRow(g + r * dy.stride(2), out + r * y.stride(2), p.e), keys);
          if (needScores) std::copy(x, x + keys, head(ds, b, h) + (row + r) * p.s);
        }
        gemm(false, false, rows, p.d, keys, p.scale, grads.data(), keys, head(p.k, b, h), p.k.stride(2), 0.f,
             head(dq, b, h) + row * p.d, p.d);
        gemm(true, false, keys, p.d, rows, p.scale, grads.data(), keys, head(p.q, b, h) + row * p.q.stride(2),
             p.q.stride(2), 1.f, head(dk, b, h), p.d);
      }
    }
  });
  std::vector<at::Tensor> results{dq, dk, dv};
  if (needScores) results.push_back(ds);
  return results;
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  m.def("sdpa(Tensor q, Tensor k, Tensor v, Tensor? mask, float scale, bool causal) -> (Tensor, Tensor)", forward);
  m.def("sdpa_grad(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor y, Tensor lse, Tensor? mask, float scale, bool causal, "
        "bool needScores) -> Tensor[]",
        backward);
}

}  // namespace
}  // namespace engine
