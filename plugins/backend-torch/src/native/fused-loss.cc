#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <tuple>

#include "fused.h"
#include "narrow.h"
#include "simd.h"

// Softmax cross-entropy of rows of logits against class numbers, and its gradient: one pass over each row in cache.

namespace engine {
namespace {

ENGINE_SIMD float rowMax(const float* x, int64_t k) {
  float most = x[0];
  for (int64_t j = 1; j < k; j++) most = x[j] > most ? x[j] : most;
  return most;
}

ENGINE_SIMD void gradRow(const float* p, float* out, int64_t k, float scale, float share) {
  for (int64_t j = 0; j < k; j++) out[j] = (p[j] - share) * scale;
}

int64_t grain(int64_t k) { return 8192 / std::max<int64_t>(k, 1) + 1; }

std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& given, const at::Tensor& labelsGiven, int64_t ignored,
                                           double smoothing) {
  const auto logits = given.contiguous(), labels = labelsGiven.contiguous();
  const int64_t rows = logits.size(0), k = logits.size(1);
  auto loss = at::empty({rows}, logits.options());
  auto probs = at::empty_like(logits);
  const auto* x = logits.data_ptr<float>();
  const auto* label = labels.data_ptr<int>();
  auto* p = probs.data_ptr<float>();
  auto* out = loss.data_ptr<float>();
  at::parallel_for(0, rows, grain(k), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float* row = x + i * k;
      float* prob = p + i * k;
      const float most = rowMax(row, k);
      float sum = 0.f, total = 0.f;
      for (int64_t j = 0; j < k; j++) {
        prob[j] = std::exp(row[j] - most);
        sum += prob[j];
        total += row[j] - most;
      }
      const float log = std::log(sum), inverse = 1.f / sum;
      for (int64_t j = 0; j < k; j++) prob[j] *= inverse;
      if (label[i] == ignored) {
        out[i] = 0.f;
        continue;
      }
      // Like a one-hot row without a hot place: the target outside of the classes is nothing.
      const bool inside = label[i] >= 0 && label[i] < k;
      const float picked = inside ? log - (row[label[i]] - most) : 0.f;
      const float mean = log - total / static_cast<float>(k);
      out[i] = static_cast<float>(1 - smoothing) * picked + static_cast<float>(smoothing) * mean;
    }
  });
  return {loss, probs};
}

at::Tensor backward(const at::Tensor& dloss, const at::Tensor& probsGiven, const at::Tensor& labelsGiven,
                    int64_t ignored, double smoothing) {
  const auto probs = probsGiven.contiguous(), labels = labelsGiven.contiguous(), weights = dloss.contiguous();
  const int64_t rows = probs.size(0), k = probs.size(1);
  auto dx = at::empty_like(probs);
  const auto *p = probs.data_ptr<float>(), *w = weights.data_ptr<float>();
  const auto* label = labels.data_ptr<int>();
  auto* out = dx.data_ptr<float>();
  const auto share = static_cast<float>(smoothing / static_cast<double>(k));
  at::parallel_for(0, rows, grain(k), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const bool counted = label[i] != ignored;
      gradRow(p + i * k, out + i * k, k, counted ? w[i] : 0.f, share);
      if (counted && label[i] >= 0 && label[i] < k) out[i * k + label[i]] -= static_cast<float>(1 - smoothing) * w[i];
    }
  });
  return dx;
}

ENGINE_SIMD void addReluRange(const float* a, const float* b, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float v = a[i] + b[i];
    y[i] = v > 0.f ? v : 0.f;
  }
}

/// relu(a + b) of two tensors of one shape, layout and type.
at::Tensor addRelu(const at::Tensor& aGiven, const at::Tensor& bGiven) {
  const auto a = aGiven.contiguous(), b = bGiven.contiguous();
  auto y = at::empty_like(a);
  const Source from(a), other(b);
  const Sink to(y);
  at::parallel_for(0, a.numel(), 16384, [&](int64_t begin, int64_t end) {
    std::vector<float> one, two, sum;
    inBlocks(from.isNarrow(), begin, end, 1, [&](int64_t at, int64_t n) {
      addReluRange(from.at(at, n, one), other.at(at, n, two), to.at(at, n, sum), n);
      to.done(at, n, sum);
    });
  });
  return y;
}

/// Class numbers [rows, 1] that can be gathered with, and where they name a class.
std::tuple<at::Tensor, at::Tensor> places(const at::Tensor& labels, int64_t k) {
  return {labels.clamp(0, k - 1).to(at::kLong).unsqueeze(1), labels.ge(0).logical_and(labels.lt(k)).unsqueeze(1)};
}

std::tuple<at::Tensor, at::Tensor> plainForward(const at::Tensor& logits, const at::Tensor& labels, int64_t ignored,
                                                double smoothing) {
  const auto logs = at::log_softmax(logits, 1);
  const auto [where, inside] = places(labels, logits.size(1));
  const auto picked = logs.gather(1, where).mul(inside).squeeze(1);
  const auto loss = picked.mul(smoothing - 1).sub(logs.mean(1), smoothing);
  return {loss.masked_fill(labels.eq(ignored), 0), logs.exp()};
}

at::Tensor plainBackward(const at::Tensor& dloss, const at::Tensor& probs, const at::Tensor& labels, int64_t ignored,
                         double smoothing) {
  const int64_t k = probs.size(1);
  const auto weights = dloss.masked_fill(labels.eq(ignored), 0).unsqueeze(1);
  const auto [where, inside] = places(labels, k);
  auto dx = probs.sub(smoothing / static_cast<double>(k)).mul_(weights);
  return dx.scatter_add_(1, where, weights.mul(inside).mul_(smoothing - 1));
}

at::Tensor plainAddRelu(const at::Tensor& a, const at::Tensor& b) { return a.add(b).relu_(); }

TORCH_LIBRARY_FRAGMENT(engine, m) {
  defineFused(m, "softmax_cross_entropy(Tensor logits, Tensor labels, int ignored, float smoothing) -> (Tensor, Tensor)",
              &forward, &plainForward);
  defineFused(m,
              "softmax_cross_entropy_grad(Tensor dloss, Tensor probs, Tensor labels, int ignored, float smoothing) -> "
              "Tensor",
              &backward, &plainBackward);
  defineFused(m, "add_relu(Tensor a, Tensor b) -> Tensor", &addRelu, &plainAddRelu);
}

}  // namespace
}  // namespace engine
