#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "fused.h"
#include "narrow.h"
#include "simd.h"

// Batch normalisation over rows of channels, x [M, C] packed: training forward with optional ReLU, and its gradient.
// The data may be bfloat16, statistics and parameters are float32. Two passes over the data each. Sums run in float over short stretches and in double over these.

namespace engine {
namespace {

constexpr int64_t kStretch = 64;

ENGINE_SIMD void addRows(const float* x, const float* shift, int64_t rows, int64_t c, float* sum, float* square) {
  for (int64_t i = 0; i < rows; i++) {
    const float* row = x + i * c;
    for (int64_t j = 0; j < c; j++) {
      const float d = row[j] - shift[j];
      sum[j] += d;
      square[j] += d * d;
    }
  }
}

ENGINE_SIMD void scaleRows(const float* x, float* y, int64_t rows, int64_t c, const float* scale, const float* offset,
                           bool relu) {
  for (int64_t i = 0; i < rows; i++) {
    const float* from = x + i * c;
    float* to = y + i * c;
    if (relu) {
      for (int64_t j = 0; j < c; j++) {
        const float v = from[j] * scale[j] + offset[j];
        to[j] = v > 0.f ? v : 0.f;
      }
    } else {
      for (int64_t j = 0; j < c; j++) to[j] = from[j] * scale[j] + offset[j];
    }
  }
}

ENGINE_SIMD void addGradRows(const float* dy, const float* x, const float* y, const float* mean, int64_t rows,
                             int64_t c, float* sum, float* dot) {
  for (int64_t i = 0; i < rows; i++) {
    const float* g = dy + i * c;
    const float* v = x + i * c;
    if (y) {
      const float* out = y + i * c;
      for (int64_t j = 0; j < c; j++) {
        const float masked = out[j] > 0.f ? g[j] : 0.f;
        sum[j] += masked;
        dot[j] += masked * (v[j] - mean[j]);
      }
    } else {
      for (int64_t j = 0; j < c; j++) {
        sum[j] += g[j];
        dot[j] += g[j] * (v[j] - mean[j]);
      }
    }
  }
}

ENGINE_SIMD void gradRows(const float* dy, const float* x, const float* y, float* dx, int64_t rows, int64_t c,
                          const float* a, const float* b, const float* d) {
  for (int64_t i = 0; i < rows; i++) {
    const float* g = dy + i * c;
    const float* v = x + i * c;
    float* to = dx + i * c;
    if (y) {
      const float* out = y + i * c;
      for (int64_t j = 0; j < c; j++) {
        const float masked = out[j] > 0.f ? g[j] : 0.f;
        to[j] = masked * a[j] + v[j] * b[j] + d[j];
      }
    } else {
      for (int64_t j = 0; j < c; j++) to[j] = g[j] * a[j] + v[j] * b[j] + d[j];
    }
  }
}

/// Calls `add(from, rows, sum, other)` over stretches of rows on all threads and adds everything up in a fixed order.
template <typename Add>
void sumRows(int64_t rows, int64_t c, std::vector<double>& sum, std::vector<double>& other, Add add) {
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), rows / kStretch));
  std::vector<double> partial(static_cast<size_t>(parts) * 2 * c, 0.0);
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> one(c), two(c);
    for (int64_t part = begin; part < end; part++) {
      const int64_t first = rows * part / parts, last = rows * (part + 1) / parts;
      double* total = partial.data() + part * 2 * c;
      for (int64_t row = first; row < last; row += kStretch) {
        std::fill(one.begin(), one.end(), 0.f);
        std::fill(two.begin(), two.end(), 0.f);
        add(row, std::min(kStretch, last - row), one.data(), two.data());
        for (int64_t j = 0; j < c; j++) {
          total[j] += one[j];
          total[c + j] += two[j];
        }
      }
    }
  });
  sum.assign(c, 0.0);
  other.assign(c, 0.0);
  for (int64_t part = 0; part < parts; part++) {
    const double* total = partial.data() + part * 2 * c;
    for (int64_t j = 0; j < c; j++) {
      sum[j] += total[j];
      other[j] += total[c + j];
    }
  }
}

int64_t grain(int64_t c) { return 16384 / std::max<int64_t>(c, 1) + 1; }

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> forward(const at::Tensor& given, const at::Tensor& gamma,
                                                                  const at::Tensor& beta, double epsilon, bool relu) {
  const auto x = given.contiguous();
  const int64_t c = x.size(-1), rows = x.numel() / std::max<int64_t>(c, 1);
  const Source data(x);
  const bool isNarrow = data.isNarrow();
  std::vector<float> first;
  // Deviations from the first row keep the difference of two large numbers out of the variance.
  const float* shift = data.at(0, c, first);
  std::vector<double> sum, square;
  sumRows(rows, c, sum, square, [&](int64_t from, int64_t count, float* one, float* two) {
    thread_local std::vector<float> scratch;
    inBlocks(isNarrow, from, from + count, c, [&](int64_t row, int64_t n) {
      addRows(data.at(row * c, n * c, scratch), shift, n, c, one, two);
    });
  });
  auto y = at::empty_like(x);
  const auto wide = x.options().dtype(at::kFloat);
  auto mean = at::empty({c}, wide), invStd = at::empty({c}, wide), variance = at::empty({c}, wide);
  std::vector<float> scale(c), offset(c);
  const auto g = gamma.contiguous(), b = beta.contiguous();
  for (int64_t j = 0; j < c; j++) {
    const double shifted = sum[j] / rows;
    const double var = std::max(0.0, square[j] / rows - shifted * shifted);
    const double m = shifted + shift[j], inv = 1.0 / std::sqrt(var + epsilon);
    mean.data_ptr<float>()[j] = static_cast<float>(m);
    variance.data_ptr<float>()[j] = static_cast<float>(var);
    invStd.data_ptr<float>()[j] = static_cast<float>(inv);
    scale[j] = static_cast<float>(inv * g.data_ptr<float>()[j]);
    offset[j] = static_cast<float>(b.data_ptr<float>()[j] - m * inv * g.data_ptr<float>()[j]);
  }
  const Sink out(y);
  at::parallel_for(0, rows, grain(c), [&](int64_t begin, int64_t end) {
    std::vector<float> from, to;
    inBlocks(isNarrow, begin, end, c, [&](int64_t row, int64_t n) {
      scaleRows(data.at(row * c, n * c, from), out.at(row * c, n * c, to), n, c, scale.data(), offset.data(), relu);
      out.done(row * c, n * c, to);
    });
  });
  return {y, mean, invStd, variance};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& dyGiven, const at::Tensor& xGiven,
                                                        const at::Tensor& gamma, const at::Tensor& mean,
                                                        const at::Tensor& invStd, const c10::optional<at::Tensor>& y) {
  const auto dy = dyGiven.contiguous(), x = xGiven.contiguous();
  const at::Tensor out = y ? y->contiguous() : at::Tensor();
  const Source g(dy), v(x), mask = y ? Source(out) : Source();
  const bool isNarrow = v.isNarrow();
  const int64_t c = x.size(-1), rows = x.numel() / std::max<int64_t>(c, 1);
  const auto* m = mean.data_ptr<float>();
  std::vector<double> sum, dot;
  sumRows(rows, c, sum, dot, [&](int64_t from, int64_t count, float* one, float* two) {
    thread_local std::vector<float> gScratch, vScratch, maskScratch;
    inBlocks(isNarrow, from, from + count, c, [&](int64_t row, int64_t n) {
      const int64_t at = row * c, size = n * c;
      addGradRows(g.at(at, size, gScratch), v.at(at, size, vScratch), mask.at(at, size, maskScratch), m, n, c, one,
                  two);
    });
  });
  auto dx = at::empty_like(x);
  const auto wide = x.options().dtype(at::kFloat);
  auto dgamma = at::empty({c}, wide), dbeta = at::empty({c}, wide);
  std::vector<float> a(c), b(c), d(c);
  for (int64_t j = 0; j < c; j++) {
    const double inv = invStd.data_ptr<float>()[j], factor = inv * gamma.data_ptr<float>()[j];
    dgamma.data_ptr<float>()[j] = static_cast<float>(dot[j] * inv);
    dbeta.data_ptr<float>()[j] = static_cast<float>(sum[j]);
    // dx = γ/σ (g - Σg/n - x̂ Σ(g x̂)/n), as a·g + b·x + d
    const double slope = -factor * dot[j] * inv * inv / rows;
    a[j] = static_cast<float>(factor);
    b[j] = static_cast<float>(slope);
    d[j] = static_cast<float>(-factor * sum[j] / rows - slope * m[j]);
  }
  const Sink to(dx);
  at::parallel_for(0, rows, grain(c), [&](int64_t begin, int64_t end) {
    std::vector<float> gScratch, vScratch, maskScratch, toScratch;
    inBlocks(isNarrow, begin, end, c, [&](int64_t row, int64_t n) {
      const int64_t at = row * c, size = n * c;
      gradRows(g.at(at, size, gScratch), v.at(at, size, vScratch), mask.at(at, size, maskScratch),
               to.at(at, size, toScratch), n, c, a.data(), b.data(), d.data());
      to.done(at, size, toScratch);
    });
  });
  return {dx, dgamma, dbeta};
}

/// Rows of channels: what libtorch's kernels take for channels-last.
at::Tensor asRows(const at::Tensor& x) { return x.contiguous().view({-1, x.size(-1)}); }

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> plainForward(const at::Tensor& x, const at::Tensor& gamma,
                                                                       const at::Tensor& beta, double epsilon,
                                                                       bool relu) {
  auto [y, mean, invStd] = at::native_batch_norm(asRows(x), gamma, beta, {}, {}, true, 0.0, epsilon);
  if (relu) y.relu_();
  const auto variance = invStd.pow(-2).sub_(epsilon).clamp_min_(0);
  return {y.view(x.sizes()), mean, invStd, variance};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> plainBackward(const at::Tensor& dy, const at::Tensor& x,
                                                             const at::Tensor& gamma, const at::Tensor& mean,
                                                             const at::Tensor& invStd,
                                                             const c10::optional<at::Tensor>& y) {
  const auto g = asRows(y ? dy.mul(y->gt(0)) : dy);
  // The saved statistics are what is used in training; the epsilon is in them.
  const auto [dx, dgamma, dbeta] = at::native_batch_norm_backward(g, asRows(x), gamma, {}, {}, mean, invStd, true, 0.0,
                                                                  {true, true, true});
  return {dx.view(x.sizes()), dgamma, dbeta};
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  defineFused(m,
              "batch_norm_train(Tensor x, Tensor gamma, Tensor beta, float epsilon, bool relu) -> (Tensor, Tensor, "
              "Tensor, Tensor)",
              &forward, &plainForward);
  defineFused(m,
              "batch_norm_train_grad(Tensor dy, Tensor x, Tensor gamma, Tensor mean, Tensor invStd, Tensor? y) -> "
              "(Tensor, Tensor, Tensor)",
              &backward, &plainBackward);
}

}  // namespace
}  // namespace engine
