#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include "fused.h"
#include "simd.h"

// Gradient of a small convolution's filter with sums in double precision. Each element is a sum over all pixels of all
// images, whose terms nearly cancel more often than not, so that single precision leaves few right digits of it.

namespace engine {
namespace {

ENGINE_SIMD void addPixels(const float* x, int64_t xStep, const float* g, int64_t gStep, int64_t pixels, int64_t outs,
                           double* sums) {
  for (int64_t p = 0; p < pixels; p++) {
    const double value = x[p * xStep];
    const float* grad = g + p * gStep;
    for (int64_t o = 0; o < outs; o++) sums[o] += value * grad[o];
  }
}

struct Axis {
  int64_t size, out, step, pad, dilation;
  /// First output position whose tap is inside, and the end of them.
  int64_t first(int64_t offset) const { return offset >= 0 ? 0 : (step - 1 - offset) / step; }
  int64_t end(int64_t offset) const { return offset >= size ? 0 : std::min(out, (size - 1 - offset) / step + 1); }
};

/// On another device: the library's own gradient, in double precision, of the input padded (or cut) to what is read.
at::Tensor elsewhere(const at::Tensor& dy, const at::Tensor& x, int64_t kh, int64_t kw, const Axis& rows,
                     const Axis& cols, int64_t groups) {
  const auto behind = [](const Axis& axis, int64_t taps) {
    return (axis.out - 1) * axis.step + (taps - 1) * axis.dilation + 1 - axis.size - axis.pad;
  };
  const auto padded = at::constant_pad_nd(x.permute({0, 3, 1, 2}).to(at::kDouble),
                                          {cols.pad, behind(cols, kw), rows.pad, behind(rows, kh)});
  const auto filter = at::empty({dy.size(3), x.size(3) / groups, kh, kw}, padded.options());
  const auto found = at::convolution_backward(
      dy.permute({0, 3, 1, 2}).to(at::kDouble), padded, filter, c10::nullopt, {rows.step, cols.step}, {0, 0},
      {rows.dilation, cols.dilation}, false, {0, 0}, groups, {false, true, false});
  return std::get<1>(found).to(at::kFloat).permute({2, 3, 1, 0});
}

/// x [N, H, W, C], dy [N, outH, outW, O]; [kh, kw, C / groups, O], whose memory has the output channels first.
at::Tensor filterGrad(const at::Tensor& dyGiven, const at::Tensor& xGiven, int64_t kh, int64_t kw, at::IntArrayRef strides,
                      at::IntArrayRef pads, at::IntArrayRef dilations, int64_t groups) {
  const int64_t images = xGiven.size(0), c = xGiven.size(3), outs = dyGiven.size(3);
  const int64_t perGroup = c / groups, groupOuts = outs / groups;
  const Axis rows{xGiven.size(1), dyGiven.size(1), strides[0], pads[0], dilations[0]};
  const Axis cols{xGiven.size(2), dyGiven.size(2), strides[1], pads[1], dilations[1]};
  if (!hasLoop(xGiven)) return elsewhere(dyGiven, xGiven, kh, kw, rows, cols, groups);
  const auto x = xGiven.contiguous(), dy = dyGiven.contiguous();
  auto result = at::empty({outs, kh, kw, perGroup}, x.options());
  auto* to = result.data_ptr<float>();
  const auto *in = x.data_ptr<float>(), *grad = dy.data_ptr<float>();
  at::parallel_for(0, kh * kw * c, std::max<int64_t>(1, kh * kw * c / 8), [&](int64_t begin, int64_t end) {
    std::vector<double> sums(groupOuts);
    for (int64_t i = begin; i < end; i++) {
      const int64_t channel = i % c, tap = i / c, group = channel / perGroup;
      const int64_t row = tap / kw * rows.dilation - rows.pad, col = tap % kw * cols.dilation - cols.pad;
      const int64_t col0 = cols.first(col), pixels = cols.end(col) - col0;
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t n = 0; n < images && pixels > 0; n++) {
        for (int64_t r = rows.first(row); r < rows.end(row); r++) {
          addPixels(in + ((n * rows.size + r * rows.step + row) * cols.size + col0 * cols.step + col) * c + channel,
                    cols.step * c, grad + ((n * rows.out + r) * cols.out + col0) * outs + group * groupOuts, outs, pixels,
                    groupOuts, sums.data());
        }
      }
      for (int64_t o = 0; o < groupOuts; o++) {
        to[((group * groupOuts + o) * kh * kw + tap) * perGroup + channel % perGroup] = static_cast<float>(sums[o]);
      }
    }
  });
  return result.permute({1, 2, 3, 0});
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  m.def("conv_filter_grad(Tensor dy, Tensor x, int kh, int kw, int[] strides, int[] pads, int[] dilations, int groups) -> "
        "Tensor",
        filterGrad);
}

}  // namespace
}  // namespace engine
