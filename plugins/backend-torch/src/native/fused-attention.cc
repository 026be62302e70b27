#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "fused.h"
#include "gemm.h"
#include "simd.h"
#include "softmax-rows.h"

// Scaled-dot-product attention of several heads, and its gradient. Heads lie side by side in the last axis, so that
// nothing is transposed: q [B, T, H·D], k and v [B, S, H·D]. One head of one sample is one piece of work.

namespace engine {
namespace {

struct Heads {
  int64_t batch, heads, t, s, d;
};

/// [B, T, E] with a unit stride in the last axis, which a slice of a packed projection has.
at::Tensor rows(const at::Tensor& x) { return x.stride(2) == 1 ? x : x.contiguous(); }

float* at3(const at::Tensor& x, int64_t b, int64_t h, int64_t d) {
  return x.data_ptr<float>() + b * x.stride(0) + h * d;
}

/// ds = p (dp - Σ dp p), in the place of dp.
ENGINE_SIMD void softmaxGradRow(float* dp, const float* p, int64_t n) {
  float dot = 0.f;
  for (int64_t i = 0; i < n; i++) dot += dp[i] * p[i];
  for (int64_t i = 0; i < n; i++) dp[i] = p[i] * (dp[i] - dot);
}

Heads shapeOf(const at::Tensor& q, const at::Tensor& k, int64_t heads) {
  TORCH_CHECK(q.dim() == 3 && k.dim() == 3 && q.size(2) == k.size(2) && q.size(2) % heads == 0,
              "attention wants q [B, T, E], k and v [B, S, E], with E a multiple of the heads");
  return {q.size(0), heads, q.size(1), k.size(1), q.size(2) / heads};
}

template <typename Body>
void eachHead(const Heads& n, Body body) {
  at::parallel_for(0, n.batch * n.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) body(i / n.heads, i % n.heads, i);
  });
}

std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& qGiven, const at::Tensor& kGiven, const at::Tensor& vGiven,
                                           int64_t heads, double scale, bool causal) {
  const auto q = rows(qGiven), k = rows(kGiven), v = rows(vGiven);
  const auto n = shapeOf(q, k, heads);
  auto out = at::empty({n.batch, n.t, n.heads * n.d}, q.options());
  auto probs = at::empty({n.batch, n.heads, n.t, n.s}, q.options());
  auto* p = probs.data_ptr<float>();
  eachHead(n, [&](int64_t b, int64_t h, int64_t i) {
    float* score = p + i * n.t * n.s;
    gemm(false, true, n.t, n.s, n.d, static_cast<float>(scale), at3(q, b, h, n.d), q.stride(1), at3(k, b, h, n.d),
         k.stride(1), 0.f, score, n.s);
    for (int64_t row = 0; row < n.t; row++) {
      float* x = score + row * n.s;
      // The last query sees all keys, as in PyTorch for equal lengths.
      const int64_t seen = causal ? std::min(n.s, row + 1) : n.s;
      const float sum = expRow(x, seen, rowMax(x, seen));
      scaleRow(x, seen, 1.f / sum);
      std::fill(x + seen, x + n.s, 0.f);
    }
    gemm(false, false, n.t, n.d, n.s, 1.f, score, n.s, at3(v, b, h, n.d), v.stride(1), 0.f, at3(out, b, h, n.d),
         out.stride(1));
  });
  return {out, probs};
}

void backwardInto(const at::Tensor& dyGiven, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& probsGiven, int64_t heads, double scale, const at::Tensor& dq, const at::Tensor& dk,
                  const at::Tensor& dv) {
  const auto dy = rows(dyGiven), probs = probsGiven.contiguous();
  const auto n = shapeOf(q, k, heads);
  const auto* p = probs.data_ptr<float>();
  const auto s = static_cast<float>(scale);
  at::parallel_for(0, n.batch * n.heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(static_cast<size_t>(n.t * n.s));
    for (int64_t i = begin; i < end; i++) {
      const int64_t b = i / n.heads, h = i % n.heads;
      const float* prob = p + i * n.t * n.s;
      const float* g = at3(dy, b, h, n.d);
      gemm(true, false, n.s, n.d, n.t, 1.f, prob, n.s, g, dy.stride(1), 0.f, at3(dv, b, h, n.d), dv.stride(1));
      gemm(false, true, n.t, n.s, n.d, 1.f, g, dy.stride(1), at3(v, b, h, n.d), v.stride(1), 0.f, scratch.data(), n.s);
      for (int64_t row = 0; row < n.t; row++) softmaxGradRow(scratch.data() + row * n.s, prob + row * n.s, n.s);
      gemm(false, false, n.t, n.d, n.s, s, scratch.data(), n.s, at3(k, b, h, n.d), k.stride(1), 0.f,
           at3(dq, b, h, n.d), dq.stride(1));
      gemm(true, false, n.s, n.d, n.t, s, scratch.data(), n.s, at3(q, b, h, n.d), q.stride(1), 0.f,
           at3(dk, b, h, n.d), dk.stride(1));
    }
  });
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& dy, const at::Tensor& qGiven,
                                                        const at::Tensor& kGiven, const at::Tensor& vGiven,
                                                        const at::Tensor& probs, int64_t heads, double scale) {
  const auto q = rows(qGiven), k = rows(kGiven), v = rows(vGiven);
  auto dq = at::empty(q.sizes(), q.options()), dk = at::empty(k.sizes(), k.options()),
       dv = at::empty(v.sizes(), v.options());
  backwardInto(dy, q, k, v, probs, heads, scale, dq, dk, dv);
  return {dq, dk, dv};
}

/// The parts of a packed projection [B, T, 3·E].
at::Tensor part(const at::Tensor& qkv, int64_t which) {
  const int64_t e = qkv.size(2) / 3;
  return qkv.narrow(2, which * e, e);
}

std::tuple<at::Tensor, at::Tensor> selfForward(const at::Tensor& given, int64_t heads, double scale, bool causal) {
  const auto qkv = given.contiguous();
  return forward(part(qkv, 0), part(qkv, 1), part(qkv, 2), heads, scale, causal);
}

at::Tensor selfBackward(const at::Tensor& dy, const at::Tensor& given, const at::Tensor& probs, int64_t heads,
                        double scale) {
  const auto qkv = given.contiguous();
  auto out = at::empty(qkv.sizes(), qkv.options());
  backwardInto(dy, part(qkv, 0), part(qkv, 1), part(qkv, 2), probs, heads, scale, part(out, 0), part(out, 1),
               part(out, 2));
  return out;
}

/// [B, T, H·D] as [B, H, T, D].
at::Tensor split(const at::Tensor& x, int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

/// [B, H, T, D] as [B, T, H·D].
at::Tensor join(const at::Tensor& x) { return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)}); }

std::tuple<at::Tensor, at::Tensor> plainForward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                int64_t heads, double scale, bool causal) {
  const auto n = shapeOf(q, k, heads);
  auto scores = at::matmul(split(q, heads), split(k, heads).transpose(-2, -1)).mul_(scale);
  if (causal) {
    const auto whole = q.options().dtype(at::kLong);
    const auto later = at::arange(n.s, whole).unsqueeze(0).gt(at::arange(n.t, whole).unsqueeze(1));
    scores.masked_fill_(later, -std::numeric_limits<float>::infinity());
  }
  auto probs = at::softmax(scores, -1);
  return {join(at::matmul(probs, split(v, heads))), probs};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> plainBackward(const at::Tensor& dy, const at::Tensor& q,
                                                             const at::Tensor& k, const at::Tensor& v,
                                                             const at::Tensor& probs, int64_t heads, double scale) {
  const auto g = split(dy, heads);
  const auto dp = at::matmul(g, split(v, heads).transpose(-2, -1));
  const auto ds = dp.sub(dp.mul(probs).sum(-1, true)).mul_(probs).mul_(scale);
  return {join(at::matmul(ds, split(k, heads))), join(at::matmul(ds.transpose(-2, -1), split(q, heads))),
          join(at::matmul(probs.transpose(-2, -1), g))};
}

std::tuple<at::Tensor, at::Tensor> plainSelfForward(const at::Tensor& qkv, int64_t heads, double scale, bool causal) {
  return plainForward(part(qkv, 0), part(qkv, 1), part(qkv, 2), heads, scale, causal);
}

at::Tensor plainSelfBackward(const at::Tensor& dy, const at::Tensor& qkv, const at::Tensor& probs, int64_t heads,
                             double scale) {
  const auto grads = plainBackward(dy, part(qkv, 0), part(qkv, 1), part(qkv, 2), probs, heads, scale);
  return at::cat({std::get<0>(grads), std::get<1>(grads), std::get<2>(grads)}, 2);
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  defineFused(m, "attention(Tensor q, Tensor k, Tensor v, int heads, float scale, bool causal) -> (Tensor, Tensor)",
              &forward, &plainForward);
  defineFused(m,
              "attention_grad(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probs, int heads, float scale) -> "
              "(Tensor, Tensor, Tensor)",
              &backward, &plainBackward);
  defineFused(m, "self_attention(Tensor qkv, int heads, float scale, bool causal) -> (Tensor, Tensor)", &selfForward,
              &plainSelfForward);
  defineFused(m, "self_attention_grad(Tensor dy, Tensor qkv, Tensor probs, int heads, float scale) -> Tensor",
              &selfBackward, &plainSelfBackward);
}

}  // namespace
}  // namespace engine
