#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_div.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_neg.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/maximum.h>

#include <cmath>
#include <vector>

#include "fused.h"
#include "multi-tensor.h"
#include "simd.h"

// Optimizer steps over all parameters of a group at once, in place: one pass over weights, gradients and state.

namespace engine {
namespace {

struct Sgd {
  /// `share` is 1 - dampening, rounded once.
  float lr, momentum, share, decay, sign;
  bool nesterov, first;
};

ENGINE_SIMD void sgdPlain(float* p, const float* g, int64_t n, Sgd o) {
  for (int64_t i = 0; i < n; i++) p[i] -= o.lr * (o.sign * g[i] + o.decay * p[i]);
}

ENGINE_SIMD void sgdMomentum(float* p, const float* g, float* m, int64_t n, Sgd o) {
  for (int64_t i = 0; i < n; i++) {
    const float grad = o.sign * g[i] + o.decay * p[i];
    const float buffer = o.first ? grad : o.momentum * m[i] + o.share * grad;
    m[i] = buffer;
    p[i] -= o.lr * (o.nesterov ? grad + o.momentum * buffer : buffer);
  }
}

struct Adam {
  /// `share1` is 1 - beta1, rounded once, and `share2` 1 - beta2: 1.f - 0.999f is off by 1.3e-5 of itself.
  float share1, beta2, share2, epsilon, keep, decay, sign, stepSize, rootCorrection;
};

ENGINE_SIMD void adamStep(float* p, const float* g, float* m, float* v, float* largest, int64_t n, Adam o) {
  for (int64_t i = 0; i < n; i++) {
    const float grad = o.sign * g[i] + o.decay * p[i];
    m[i] += o.share1 * (grad - m[i]);
    v[i] = o.beta2 * v[i] + o.share2 * grad * grad;
    float second = v[i];
    if (largest) {
      second = second > largest[i] ? second : largest[i];
      largest[i] = second;
    }
    p[i] = p[i] * o.keep - o.stepSize * m[i] / (std::sqrt(second) / o.rootCorrection + o.epsilon);
  }
}

void sgd(at::TensorList params, at::TensorList grads, at::TensorList buffers, double lr, double momentum,
         double dampening, double decay, bool nesterov, bool maximize, bool first) {
  const Sgd options{static_cast<float>(lr),    static_cast<float>(momentum), static_cast<float>(1 - dampening),
                    static_cast<float>(decay), maximize ? -1.f : 1.f,        nesterov,
                    first};
  std::vector<at::Tensor> aligned;
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < params.size(); i++) {
    prepare(params[i], grads[i]);
    aligned.push_back(alike(grads[i], params[i]));
    if (momentum != 0) align(buffers[i], params[i]);
    sizes.push_back(params[i].numel());
  }
  overAll(sizes, [&](size_t i, int64_t from, int64_t count) {
    float* p = params[i].data_ptr<float>() + from;
    const float* g = aligned[i].data_ptr<float>() + from;
    if (momentum != 0) sgdMomentum(p, g, buffers[i].data_ptr<float>() + from, count, options);
    else sgdPlain(p, g, count, options);
  });
}

void adam(at::TensorList params, at::TensorList grads, at::TensorList means, at::TensorList squares,
          at::TensorList largest, double lr, double beta1, double beta2, double epsilon, double decay, int64_t step,
          bool decoupled, bool maximize) {
  const Adam options{static_cast<float>(1 - beta1),
                     static_cast<float>(beta2),
                     static_cast<float>(1 - beta2),
                     static_cast<float>(epsilon),
                     decoupled ? static_cast<float>(1 - lr * decay) : 1.f,
                     decoupled ? 0.f : static_cast<float>(decay),
                     maximize ? -1.f : 1.f,
                     static_cast<float>(lr / (1 - std::pow(beta1, step))),
                     static_cast<float>(std::sqrt(1 - std::pow(beta2, step)))};
  std::vector<at::Tensor> aligned;
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < params.size(); i++) {
    prepare(params[i], grads[i]);
    aligned.push_back(alike(grads[i], params[i]));
    align(means[i], params[i]);
    align(squares[i], params[i]);
    if (!largest.empty()) align(largest[i], params[i]);
    sizes.push_back(params[i].numel());
  }
  overAll(sizes, [&](size_t i, int64_t from, int64_t count) {
    adamStep(params[i].data_ptr<float>() + from, aligned[i].data_ptr<float>() + from,
             means[i].data_ptr<float>() + from, squares[i].data_ptr<float>() + from,
             largest.empty() ? nullptr : largest[i].data_ptr<float>() + from, count, options);
  });
}

/// Gradients in the layout of their parameters, with the sign and the decay that are part of them.
std::vector<at::Tensor> gradsOf(at::TensorList params, at::TensorList grads, double decay, bool maximize) {
  std::vector<at::Tensor> out;
  for (size_t i = 0; i < params.size(); i++) {
    prepare(params[i], grads[i]);
    out.push_back(alike(grads[i], params[i]));
  }
  if (maximize) out = at::_foreach_neg(out);
  return decay == 0 ? out : at::_foreach_add(out, params, decay);
}

void plainSgd(at::TensorList params, at::TensorList grads, at::TensorList buffers, double lr, double momentum,
              double dampening, double decay, bool nesterov, bool maximize, bool first) {
  if (params.empty()) return;
  auto g = gradsOf(params, grads, decay, maximize);
  if (momentum != 0) {
    for (size_t i = 0; i < params.size(); i++) align(buffers[i], params[i]);
    if (first) {
      for (size_t i = 0; i < params.size(); i++) buffers[i].copy_(g[i]);
    } else {
      at::_foreach_mul_(buffers, momentum);
      at::_foreach_add_(buffers, g, 1 - dampening);
    }
    g = nesterov ? at::_foreach_add(g, buffers, momentum) : buffers.vec();
  }
  at::_foreach_add_(params, g, -lr);
}

void plainAdam(at::TensorList params, at::TensorList grads, at::TensorList means, at::TensorList squares,
               at::TensorList largest, double lr, double beta1, double beta2, double epsilon, double decay,
               int64_t step, bool decoupled, bool maximize) {
  if (params.empty()) return;
  const auto g = gradsOf(params, grads, decoupled ? 0 : decay, maximize);
  for (size_t i = 0; i < params.size(); i++) {
    align(means[i], params[i]);
    align(squares[i], params[i]);
    if (!largest.empty()) align(largest[i], params[i]);
  }
  at::_foreach_mul_(means, beta1);
  at::_foreach_add_(means, g, 1 - beta1);
  at::_foreach_mul_(squares, beta2);
  at::_foreach_addcmul_(squares, g, g, 1 - beta2);
  for (size_t i = 0; i < largest.size(); i++) at::maximum_out(const_cast<at::Tensor&>(largest[i]), largest[i], squares[i]);
  auto roots = at::_foreach_sqrt(largest.empty() ? squares : largest);
  at::_foreach_div_(roots, std::sqrt(1 - std::pow(beta2, step)));
  at::_foreach_add_(roots, epsilon);
  if (decoupled && decay != 0) at::_foreach_mul_(params, 1 - lr * decay);
  at::_foreach_addcdiv_(params, means, roots, -lr / (1 - std::pow(beta1, step)));
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  defineFused(m,
              "sgd_update(Tensor[] params, Tensor[] grads, Tensor[] buffers, float lr, float momentum, float dampening, "
              "float decay, bool nesterov, bool maximize, bool first) -> ()",
              &sgd, &plainSgd);
  defineFused(m,
              "adam_update(Tensor[] params, Tensor[] grads, Tensor[] means, Tensor[] squares, Tensor[] largest, float "
              "lr, float beta1, float beta2, float epsilon, float decay, int step, bool decoupled, bool maximize) -> ()",
              &adam, &plainAdam);
}

}  // namespace
}  // namespace engine
