#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "winograd-kernels.h"

// Convolution with a 3×3 filter, stride 1, and its gradients, by F(2×2, 3×3): 2.25 times fewer multiplications than the
// direct way. Tiles are handled in batches whose transforms stay in the cache; all threads transform, then all multiply.
// What is computed and in which order depends on shapes only, not on the number of threads.

namespace engine {
namespace {

using namespace winograd;

/// Bytes of transformed tiles at a time.
constexpr int64_t kBatchBytes = 6 << 20;
/// Tiles that one task multiplies: enough to use each element of a panel that often.
constexpr int64_t kTaskTiles = 96;

struct Image {
  int64_t n, h, w, c;
};

/// A 2×2 tile of the output, and the image it belongs to.
struct Tiling {
  Image in, out;
  int64_t top, left;
  int64_t rows() const { return (out.h + 1) / 2; }
  int64_t columns() const { return (out.w + 1) / 2; }
  int64_t count() const { return in.n * rows() * columns(); }

  struct At {
    int64_t n, y, x;
  };
  At at(int64_t tile) const {
    const int64_t inRow = tile % columns(), row = tile / columns();
    return {row / rows(), row % rows() * 2, inRow * 2};
  }
};

const float* pixel(const float* data, const Image& image, int64_t n, int64_t y, int64_t x, const float* outside) {
  if (y < 0 || x < 0 || y >= image.h || x >= image.w) return outside;
  return data + ((n * image.h + y) * image.w + x) * image.c;
}

int64_t batchSize(int64_t channels, int64_t tiles) {
  const int64_t fitting = kBatchBytes / (kPoints * channels * static_cast<int64_t>(sizeof(float)));
  return std::min(tiles, std::max(2 * kTaskTiles, fitting / kTaskTiles * kTaskTiles));
}

void transformInput(const Tiling& t, const float* x, const float* zeros, int64_t first, int64_t count, float* v) {
  at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
    const float* pixels[16];
    for (int64_t i = begin; i < end; i++) {
      const auto [n, y, left] = t.at(first + i);
      for (int64_t p = 0; p < 16; p++) pixels[p] = pixel(x, t.in, n, y - t.top + p / 4, left - t.left + p % 4, zeros);
      inputTile(pixels, t.in.c, v + i * t.in.c, count * t.in.c);
    }
  });
}

/// y = x convolved with the filter whose panels are given.
void convolveTiles(const Tiling& t, const float* x, const at::Tensor& panels, const float* bias, float* y) {
  const int64_t tiles = t.count(), c = t.in.c, o = t.out.c;
  const int64_t batch = batchSize(c, tiles), groups = (o + kPanel - 1) / kPanel;
  const std::vector<float> zeros(c, 0.f);
  auto transformed = at::empty({kPoints * batch * c}, panels.options());
  auto* v = transformed.data_ptr<float>();
  const auto* u = panels.data_ptr<float>();
  for (int64_t first = 0; first < tiles; first += batch) {
    const int64_t count = std::min(batch, tiles - first);
    transformInput(t, x, zeros.data(), first, count, v);
    const int64_t parts = (count + kTaskTiles - 1) / kTaskTiles;
    at::parallel_for(0, parts * groups, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> products(kPoints * kTaskTiles * kPanel);
      for (int64_t task = begin; task < end; task++) {
        const int64_t from = task % parts * kTaskTiles, taken = std::min(kTaskTiles, count - from);
        const int64_t column = task / parts * kPanel, width = std::min(kPanel, o - column);
        const int64_t stride = taken * width;
        for (int64_t point = 0; point < kPoints; point++) {
          multiply(v + (point * count + from) * c, c, 1, u + point * c * o + panelAt(column, c), width,
                   products.data() + point * stride, width, taken, c, false);
        }
        for (int64_t i = 0; i < taken; i++) {
          const auto [n, top, left] = t.at(first + from + i);
          float* pixels[4];
          for (int64_t p = 0; p < 4; p++) {
            auto* to = const_cast<float*>(pixel(y, t.out, n, top + p / 2, left + p % 2, nullptr));
            pixels[p] = to ? to + column : nullptr;
          }
          outputTile(products.data() + i * width, stride, width, bias ? bias + column : nullptr, pixels);
        }
      }
    });
  }
}

/// dfilter = Σ over tiles of transformed input · transformed gradient, transformed back.
void filterGradient(const Tiling& t, const float* x, const float* dy, const at::TensorOptions& options, float* dfilter) {
  const int64_t tiles = t.count(), c = t.in.c, o = t.out.c;
  const int64_t batch = batchSize(c + o, tiles), groups = (o + kPanel - 1) / kPanel;
  const std::vector<float> zeros(std::max(c, o), 0.f);
  auto inputs = at::empty({kPoints * batch * c}, options), grads = at::empty({kPoints * batch * o}, options);
  auto sums = at::empty({kPoints * c * o}, options);
  auto *v = inputs.data_ptr<float>(), *w = grads.data_ptr<float>(), *du = sums.data_ptr<float>();
  // A task is a point, a panel of columns and some of the rows.
  constexpr int64_t kTaskRows = 96;
  const int64_t parts = (c + kTaskRows - 1) / kTaskRows;
  for (int64_t first = 0; first < tiles; first += batch) {
    const int64_t count = std::min(batch, tiles - first);
    transformInput(t, x, zeros.data(), first, count, v);
    at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
      const float* pixels[4];
      for (int64_t i = begin; i < end; i++) {
        const auto [n, y, left] = t.at(first + i);
        for (int64_t p = 0; p < 4; p++) pixels[p] = pixel(dy, t.out, n, y + p / 2, left + p % 2, zeros.data());
        gradTile(pixels, o, w, count * o, i, count);
      }
    });
    at::parallel_for(0, kPoints * groups * parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t row = task % parts * kTaskRows, column = task / parts % groups * kPanel;
        const int64_t point = task / parts / groups;
        multiply(v + point * count * c + row, 1, c, w + point * count * o + panelAt(column, count),
                 std::min(kPanel, o - column), du + (point * c + row) * o + column, o, std::min(kTaskRows, c - row),
                 count, first > 0);
      }
    });
  }
  at::parallel_for(0, c, 4, [&](int64_t begin, int64_t end) { filterGrad(du, c, o, begin, end, dfilter); });
}

Image imageOf(const at::Tensor& x) { return {x.size(0), x.size(1), x.size(2), x.size(3)}; }

void check(const at::Tensor& x, const at::Tensor& filter) {
  TORCH_CHECK(available(), "this processor has no AVX-512");
  TORCH_CHECK(x.dim() == 4 && filter.dim() == 4 && filter.size(0) == 3 && filter.size(1) == 3 &&
                  filter.size(2) == x.size(3) && x.size(3) % 16 == 0 && filter.size(3) % 16 == 0 &&
                  x.scalar_type() == at::kFloat && filter.scalar_type() == at::kFloat,
              "conv3x3 wants float images [N, H, W, C] and filters [3, 3, C, O] with multiples of 16 channels");
}

at::Tensor convolve(const at::Tensor& given, const at::Tensor& weights, const c10::optional<at::Tensor>& bias,
                    at::IntArrayRef pads) {
  check(given, weights);
  const auto x = given.contiguous(), filter = weights.contiguous();
  const at::Tensor offset = bias ? bias->contiguous() : at::Tensor();
  const auto in = imageOf(x);
  const int64_t o = filter.size(3);
  const Image out{in.n, in.h + pads[0] + pads[1] - 2, in.w + pads[2] + pads[3] - 2, o};
  auto y = at::empty({out.n, out.h, out.w, out.c}, x.options());
  auto panels = at::empty({kPoints * in.c * o}, x.options());
  at::parallel_for(0, in.c, 4, [&](int64_t begin, int64_t end) {
    filterPanels(filter.data_ptr<float>(), in.c, o, begin, end, panels.data_ptr<float>());
  });
  convolveTiles({in, out, pads[0], pads[2]}, x.data_ptr<float>(), panels, bias ? offset.data_ptr<float>() : nullptr,
                y.data_ptr<float>());
  return y;
}

std::tuple<at::Tensor, at::Tensor> gradients(const at::Tensor& dyGiven, const at::Tensor& xGiven,
                                             const at::Tensor& weights, at::IntArrayRef pads, bool needInput,
                                             bool needFilter) {
  check(xGiven, weights);
  const auto dy = dyGiven.contiguous(), x = xGiven.contiguous(), filter = weights.contiguous();
  const auto in = imageOf(x), out = imageOf(dy);
  at::Tensor dx, dfilter;
  if (needFilter) {
    dfilter = at::empty(filter.sizes(), filter.options());
    filterGradient({in, out, pads[0], pads[2]}, x.data_ptr<float>(), dy.data_ptr<float>(), x.options(),
                   dfilter.data_ptr<float>());
  }
  if (needInput) {
    dx = at::empty(x.sizes(), x.options());
    auto panels = at::empty({kPoints * in.c * out.c}, x.options());
    at::parallel_for(0, out.c / 16, 1, [&](int64_t begin, int64_t end) {
      turnedFilterPanels(filter.data_ptr<float>(), in.c, out.c, begin, end, panels.data_ptr<float>());
    });
    convolveTiles({out, in, 2 - pads[0], 2 - pads[2]}, dy.data_ptr<float>(), panels, nullptr, dx.data_ptr<float>());
  }
  return {dx, dfilter};
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  m.def("conv3x3(Tensor x, Tensor filter, Tensor? bias, int[] pads) -> Tensor", convolve);
  m.def("conv3x3_grad(Tensor dy, Tensor x, Tensor filter, int[] pads, bool needInput, bool needFilter) -> (Tensor, "
        "Tensor)",
        gradients);
}

}  // namespace
}  // namespace engine
