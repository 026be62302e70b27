#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fused.h"
#include "multi-tensor.h"
#include "simd.h"

// What happens to all gradients or all weights together between two steps: their common norm, clipping by it, and moving
// averages of weights.

namespace engine {
namespace {

constexpr int64_t kStretch = 256;

/// In double over stretches in float: the sum of squares.
ENGINE_SIMD double squares(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t from = 0; from < n; from += kStretch) {
    const int64_t end = std::min(n, from + kStretch);
    float part = 0.f;
    for (int64_t i = from; i < end; i++) part += x[i] * x[i];
    sum += part;
  }
  return sum;
}

ENGINE_SIMD float largest(const float* x, int64_t n) {
  float most = 0.f;
  for (int64_t i = 0; i < n; i++) {
    const float size = std::fabs(x[i]);
    // The comparison is false for NaN, which has to win.
    most = size <= most ? most : size;
  }
  return most;
}

double powers(const float* x, int64_t n, double p) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += std::pow(std::fabs(static_cast<double>(x[i])), p);
  return sum;
}

double normOnCpu(const std::vector<at::Tensor>& tensors, double p) {
  std::vector<int64_t> sizes, firstPiece;
  int64_t pieces = 0;
  for (const auto& x : tensors) {
    sizes.push_back(x.numel());
    firstPiece.push_back(pieces);
    pieces += (x.numel() + kPiece - 1) / kPiece;
  }
  std::vector<double> parts(static_cast<size_t>(pieces), 0.0);
  overAll(sizes, [&](size_t i, int64_t from, int64_t count) {
    const float* x = tensors[i].data_ptr<float>() + from;
    double& part = parts[firstPiece[i] + from / kPiece];
    if (p == 2) part = squares(x, count);
    else if (std::isinf(p)) part = largest(x, count);
    else part = powers(x, count, p);
  });
  double total = 0;
  for (const double part : parts) {
    if (!std::isinf(p)) total += part;
    else if (!(part <= total)) total = part;
  }
  return p == 2 ? std::sqrt(total) : std::isinf(p) ? total : std::pow(total, 1 / p);
}

at::Tensor normElsewhere(at::TensorList tensors, double p) {
  std::vector<at::Tensor> norms;
  for (const auto& x : tensors) norms.push_back(at::norm(x, p));
  return at::norm(at::stack(norms), p);
}

std::vector<at::Tensor> packed(at::TensorList tensors) {
  std::vector<at::Tensor> found;
  // The order of the elements does not matter, only that they are neighbours.
  for (const auto& x : tensors) found.push_back(dense(x) ? x : x.contiguous());
  return found;
}

at::Tensor globalNorm(at::TensorList tensors, double p) {
  if (!hasLoop(tensors[0])) return normElsewhere(tensors, p);
  return at::full({}, normOnCpu(packed(tensors), p), tensors[0].options());
}

ENGINE_SIMD void scale(const float* x, float* y, float factor, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = x[i] * factor;
}

/// The norm, and the scaled gradients; without these where the norm allows them as they are.
std::vector<at::Tensor> clip(at::TensorList grads, double most, double p) {
  if (!hasLoop(grads[0])) {
    // Without waiting for the device to know the norm.
    std::vector<at::Tensor> results{normElsewhere(grads, p)};
    const auto factor = (most / (results[0] + 1e-6)).clamp_max(1.0);
    for (const auto& grad : grads) results.push_back(grad * factor);
    return results;
  }
  const auto given = packed(grads);
  const auto norm = static_cast<float>(normOnCpu(given, p));
  std::vector<at::Tensor> results{at::full({}, norm, grads[0].options())};
  const float factor = static_cast<float>(most) / (norm + 1e-6f);
  if (factor >= 1.f) return results;
  std::vector<int64_t> sizes;
  for (const auto& x : given) {
    sizes.push_back(x.numel());
    results.push_back(at::empty_strided(x.sizes(), x.strides(), x.options()));
  }
  overAll(sizes, [&](size_t i, int64_t from, int64_t count) {
    scale(given[i].data_ptr<float>() + from, results[i + 1].data_ptr<float>() + from, factor, count);
  });
  return results;
}

ENGINE_SIMD void moveTowards(float* x, const float* to, float share, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] += share * (to[i] - x[i]);
}

void ema(at::TensorList averages, at::TensorList values, double share) {
  if (averages.empty()) return;
  if (!hasLoop(averages[0])) {
    for (size_t i = 0; i < averages.size(); i++) {
      own(averages[i]);
      averages[i].lerp_(values[i], share);
    }
    return;
  }
  std::vector<at::Tensor> aligned;
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < averages.size(); i++) {
    const auto value = dense(values[i]) ? values[i] : values[i].contiguous();
    align(averages[i], value);
    aligned.push_back(alike(value, averages[i]));
    sizes.push_back(value.numel());
  }
  overAll(sizes, [&](size_t i, int64_t from, int64_t count) {
    moveTowards(averages[i].data_ptr<float>() + from, aligned[i].data_ptr<float>() + from, static_cast<float>(share),
                count);
  });
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  m.def("global_norm(Tensor[] tensors, float p) -> Tensor", globalNorm);
  m.def("clip_grad_norm(Tensor[] grads, float most, float p) -> Tensor[]", clip);
  m.def("ema_update(Tensor[] averages, Tensor[] values, float share) -> ()", ema);
}

}  // namespace
}  // namespace engine
