#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/native_group_norm_backward.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "fused.h"
#include "simd.h"

// Group normalisation of x [N, ..., C] packed, channels last: forward pass with its statistics, and its gradient. A
// sample is one piece of work. Sums run in float over short stretches and in double over these.

namespace engine {
namespace {

constexpr int64_t kStretch = 64;

ENGINE_SIMD void addSquares(const float* x, const float* shift, int64_t rows, int64_t c, float* sum, float* square) {
  for (int64_t i = 0; i < rows; i++) {
    const float* row = x + i * c;
    for (int64_t j = 0; j < c; j++) {
      const float d = row[j] - shift[j];
      sum[j] += d;
      square[j] += d * d;
    }
  }
}

ENGINE_SIMD void addProducts(const float* dy, const float* x, const float* mean, int64_t rows, int64_t c, float* sum,
                             float* dot) {
  for (int64_t i = 0; i < rows; i++) {
    const float *g = dy + i * c, *v = x + i * c;
    for (int64_t j = 0; j < c; j++) {
      sum[j] += g[j];
      dot[j] += g[j] * (v[j] - mean[j]);
    }
  }
}

ENGINE_SIMD void normalise(const float* x, float* y, int64_t rows, int64_t c, const float* mean, const float* scale,
                           const float* beta) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < c; j++) y[i * c + j] = (x[i * c + j] - mean[j]) * scale[j] + beta[j];
  }
}

/// dx = a dy + b (x - mean) + d
ENGINE_SIMD void combine(const float* dy, const float* x, float* dx, int64_t rows, int64_t c, const float* mean,
                         const float* a, const float* b, const float* d) {
  for (int64_t i = 0; i < rows; i++) {
    const float *g = dy + i * c, *v = x + i * c;
    float* to = dx + i * c;
    for (int64_t j = 0; j < c; j++) to[j] = a[j] * g[j] + b[j] * (v[j] - mean[j]) + d[j];
  }
}

/// Two sums for each channel over the rows of a sample.
template <typename Add>
void overRows(int64_t rows, int64_t c, double* sum, double* other, Add add) {
  std::vector<float> one(c), two(c);
  std::fill(sum, sum + c, 0.0);
  std::fill(other, other + c, 0.0);
  for (int64_t row = 0; row < rows; row += kStretch) {
    std::fill(one.begin(), one.end(), 0.f);
    std::fill(two.begin(), two.end(), 0.f);
    add(row, std::min(kStretch, rows - row), one.data(), two.data());
    for (int64_t j = 0; j < c; j++) {
      sum[j] += one[j];
      other[j] += two[j];
    }
  }
}

/// The tensor with its channels second, as the library wants it.
at::Tensor channelsSecond(const at::Tensor& x) { return x.movedim(-1, 1); }
at::Tensor channelsLast(const at::Tensor& x) { return x.movedim(1, -1).contiguous(); }

using Four = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;
using Three = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

/// y, mean, 1 / standard deviation and biased variance
Four forward(const at::Tensor& given, const at::Tensor& gammaGiven, const at::Tensor& betaGiven, int64_t groups,
             double epsilon) {
  const int64_t n = given.size(0), c = given.size(-1), rows = given.numel() / std::max<int64_t>(1, n * c);
  if (!hasLoop(given)) {
    const auto [y, mean, inv] =
        at::native_group_norm(channelsSecond(given).contiguous(), gammaGiven, betaGiven, n, c, rows, groups, epsilon);
    return {channelsLast(y), mean, inv, inv.pow(-2).sub(epsilon)};
  }
  const auto x = given.contiguous(), gamma = gammaGiven.contiguous(), beta = betaGiven.contiguous();
  const int64_t width = c / groups;
  auto y = at::empty_like(x);
  auto means = at::empty({n, groups}, x.options()), invs = at::empty_like(means), variances = at::empty_like(means);
  const auto *data = x.data_ptr<float>(), *g = gamma.data_ptr<float>(), *b = beta.data_ptr<float>();
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    std::vector<double> sum(c), square(c);
    std::vector<float> mean(c), scale(c);
    for (int64_t i = begin; i < end; i++) {
      const float* from = data + i * rows * c;
      // Deviations from the first row keep the difference of two large numbers out of the variance.
      overRows(rows, c, sum.data(), square.data(), [&](int64_t row, int64_t count, float* one, float* two) {
        addSquares(from + row * c, from, count, c, one, two);
      });
      for (int64_t k = 0; k < groups; k++) {
        const double count = static_cast<double>(rows * width);
        double total = 0, spread = 0;
        for (int64_t j = k * width; j < (k + 1) * width; j++) total += sum[j] / count + from[j] * (1.0 / width);
        for (int64_t j = k * width; j < (k + 1) * width; j++) {
          const double d = total - from[j];
          spread += square[j] - 2 * d * sum[j] + d * d * rows;
        }
        const double variance = std::max(0.0, spread / count), inv = 1 / std::sqrt(variance + epsilon);
        means.data_ptr<float>()[i * groups + k] = static_cast<float>(total);
        variances.data_ptr<float>()[i * groups + k] = static_cast<float>(variance);
        invs.data_ptr<float>()[i * groups + k] = static_cast<float>(inv);
        for (int64_t j = k * width; j < (k + 1) * width; j++) {
          mean[j] = static_cast<float>(total);
          scale[j] = static_cast<float>(inv * g[j]);
        }
      }
      normalise(from, y.data_ptr<float>() + i * rows * c, rows, c, mean.data(), scale.data(), b);
    }
  });
  return {y, means, invs, variances};
}

Three backward(const at::Tensor& dyGiven, const at::Tensor& xGiven, const at::Tensor& gammaGiven,
               const at::Tensor& meanGiven, const at::Tensor& invGiven, int64_t groups) {
  const int64_t n = xGiven.size(0), c = xGiven.size(-1), rows = xGiven.numel() / std::max<int64_t>(1, n * c);
  const auto means = meanGiven.contiguous(), invs = invGiven.contiguous(), gamma = gammaGiven.contiguous();
  if (!hasLoop(xGiven)) {
    const auto dy = channelsSecond(dyGiven).contiguous(), x = channelsSecond(xGiven).contiguous();
    const auto [dx, dgamma, dbeta] =
        at::native_group_norm_backward(dy, x, means, invs, gamma, n, c, rows, groups, {true, true, true});
    return {channelsLast(dx), dgamma, dbeta};
  }
  const auto dy = dyGiven.contiguous(), x = xGiven.contiguous();
  const int64_t width = c / groups;
  auto dx = at::empty_like(x);
  auto dgamma = at::empty({c}, x.options()), dbeta = at::empty({c}, x.options());
  std::vector<double> sums(static_cast<size_t>(n * c)), dots(static_cast<size_t>(n * c));
  const float* g = gamma.data_ptr<float>();
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> mean(c), a(c), b(c), d(c);
    for (int64_t i = begin; i < end; i++) {
      const float *grad = dy.data_ptr<float>() + i * rows * c, *from = x.data_ptr<float>() + i * rows * c;
      double *sum = sums.data() + i * c, *dot = dots.data() + i * c;
      for (int64_t j = 0; j < c; j++) mean[j] = means.data_ptr<float>()[i * groups + j / width];
      overRows(rows, c, sum, dot, [&](int64_t row, int64_t count, float* one, float* two) {
        addProducts(grad + row * c, from + row * c, mean.data(), count, c, one, two);
      });
      for (int64_t k = 0; k < groups; k++) {
        const double inv = invs.data_ptr<float>()[i * groups + k], count = static_cast<double>(rows * width);
        double whole = 0, along = 0;
        for (int64_t j = k * width; j < (k + 1) * width; j++) {
          whole += g[j] * sum[j];
          along += g[j] * dot[j];
        }
        for (int64_t j = k * width; j < (k + 1) * width; j++) {
          a[j] = static_cast<float>(inv * g[j]);
          b[j] = static_cast<float>(-inv * inv * inv * along / count);
          d[j] = static_cast<float>(-inv * whole / count);
          dot[j] *= inv;
        }
      }
      combine(grad, from, dx.data_ptr<float>() + i * rows * c, rows, c, mean.data(), a.data(), b.data(), d.data());
    }
  });
  for (int64_t j = 0; j < c; j++) {
    double scale = 0, shift = 0;
    for (int64_t i = 0; i < n; i++) {
      scale += dots[i * c + j];
      shift += sums[i * c + j];
    }
    dgamma.data_ptr<float>()[j] = static_cast<float>(scale);
    dbeta.data_ptr<float>()[j] = static_cast<float>(shift);
  }
  return {dx, dgamma, dbeta};
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  m.def("group_norm(Tensor x, Tensor gamma, Tensor beta, int groups, float epsilon) -> (Tensor, Tensor, Tensor, Tensor)",
        forward);
  m.def("group_norm_grad(Tensor dy, Tensor x, Tensor gamma, Tensor mean, Tensor invStd, int groups) -> (Tensor, Tensor, "
        "Tensor)",
        backward);
}

}  // namespace
}  // namespace engine
