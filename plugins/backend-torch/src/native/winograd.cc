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
// Images and filters are float or bfloat16, sums and the gradient by the filter are float.
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

template <typename T>
const T* pixel(const T* data, const Image& image, int64_t n, int64_t y, int64_t x, const T* outside) {
  if (y < 0 || x < 0 || y >= image.h || x >= image.w) return outside;
  return data + ((n * image.h + y) * image.w + x) * image.c;
}

/// Elements that lie side by side along a sum.
template <typename T>
constexpr int64_t kTogether = sizeof(float) / sizeof(T);

template <typename T>
T* dataOf(const at::Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

template <typename T>
int64_t batchSize(int64_t channels, int64_t tiles) {
  const int64_t fitting = kBatchBytes / (kPoints * channels * static_cast<int64_t>(sizeof(T)));
  return std::min(tiles, std::max(2 * kTaskTiles, fitting / kTaskTiles * kTaskTiles));
}

template <typename T>
void inputPixels(const Tiling& t, const T* x, const T* zeros, int64_t tile, const T** pixels) {
  const auto [n, y, left] = t.at(tile);
  for (int64_t p = 0; p < 16; p++) pixels[p] = pixel(x, t.in, n, y - t.top + p / 4, left - t.left + p % 4, zeros);
}

template <typename T>
void gradPixels(const Tiling& t, const T* dy, const T* zeros, int64_t tile, const T** pixels) {
  const auto [n, y, left] = t.at(tile);
  for (int64_t p = 0; p < 4; p++) pixels[p] = pixel(dy, t.out, n, y + p / 2, left + p % 2, zeros);
}

template <typename T>
void transformInput(const Tiling& t, const T* x, const T* zeros, int64_t first, int64_t count, T* v) {
  at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
    const T* pixels[16];
    for (int64_t i = begin; i < end; i++) {
      inputPixels(t, x, zeros, first + i, pixels);
      inputTile(pixels, t.in.c, v + i * t.in.c, count * t.in.c);
    }
  });
}

/// y = x convolved with the filter whose panels are given.
template <typename T>
void convolveTiles(const Tiling& t, const T* x, const at::Tensor& panels, const float* bias, T* y) {
  const int64_t tiles = t.count(), c = t.in.c, o = t.out.c;
  const int64_t batch = batchSize<T>(c, tiles), groups = (o + kPanel - 1) / kPanel;
  const std::vector<T> zeros(c, T(0));
  auto transformed = at::empty({kPoints * batch * c}, panels.options());
  auto* v = dataOf<T>(transformed);
  const auto* u = dataOf<T>(panels);
  for (int64_t first = 0; first < tiles; first += batch) {
    const int64_t count = std::min(batch, tiles - first);
    transformInput<T>(t, x, zeros.data(), first, count, v);
    const int64_t parts = (count + kTaskTiles - 1) / kTaskTiles;
    at::parallel_for(0, parts * groups, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> products(kPoints * kTaskTiles * kPanel);
      for (int64_t task = begin; task < end; task++) {
        const int64_t from = task % parts * kTaskTiles, taken = std::min(kTaskTiles, count - from);
        const int64_t column = task / parts * kPanel, width = std::min(kPanel, o - column);
        const int64_t stride = taken * width;
        for (int64_t point = 0; point < kPoints; point++) {
          multiply(v + (point * count + from) * c, c / kTogether<T>, 1, u + point * c * o + panelAt(column, c), width,
                   products.data() + point * stride, width, taken, c / kTogether<T>, false);
        }
        for (int64_t i = 0; i < taken; i++) {
          const auto [n, top, left] = t.at(first + from + i);
          T* pixels[4];
          for (int64_t p = 0; p < 4; p++) {
            auto* to = const_cast<T*>(pixel<T>(y, t.out, n, top + p / 2, left + p % 2, nullptr));
            pixels[p] = to ? to + column : nullptr;
          }
          outputTile(products.data() + i * width, stride, width, bias ? bias + column : nullptr, pixels);
        }
      }
    });
  }
}

/// Tiles and tiles of gradients as the product over tiles wants them: [tiles][c] and panels for each ξ.
void transformBoth(const Tiling& t, const float* x, const float* dy, const float* zeros, int64_t first, int64_t count,
                   float* v, float* w) {
  transformInput(t, x, zeros, first, count, v);
  at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
    const float* pixels[4];
    for (int64_t i = begin; i < end; i++) {
      gradPixels(t, dy, zeros, first + i, pixels);
      gradTile(pixels, t.out.c, w, count * t.out.c, i, count);
    }
  });
}

/// The same in pairs of tiles; zeros make the last one whole.
void transformBoth(const Tiling& t, const Narrow* x, const Narrow* dy, const Narrow* zeros, int64_t first,
                   int64_t count, Narrow* v, Narrow* w) {
  const int64_t pairs = (count + 1) / 2, c = t.in.c, o = t.out.c;
  at::parallel_for(0, pairs, 4, [&](int64_t begin, int64_t end) {
    const Narrow* pixels[32];
    for (int64_t i = begin; i < end; i++) {
      const bool whole = 2 * i + 1 < count;
      std::fill(pixels, pixels + 32, zeros);
      inputPixels(t, x, zeros, first + 2 * i, pixels);
      if (whole) inputPixels(t, x, zeros, first + 2 * i + 1, pixels + 16);
      inputTilePair(pixels, c, v + 2 * i * c, 2 * pairs * c);
      std::fill(pixels, pixels + 8, zeros);
      gradPixels(t, dy, zeros, first + 2 * i, pixels);
      if (whole) gradPixels(t, dy, zeros, first + 2 * i + 1, pixels + 4);
      gradTilePair(pixels, o, w, 2 * pairs * o, 2 * i, 2 * pairs);
    }
  });
}

/// dfilter = Σ over tiles of transformed input · transformed gradient, transformed back.
template <typename T>
void filterGradient(const Tiling& t, const T* x, const T* dy, const at::TensorOptions& options, float* dfilter) {
  const int64_t tiles = t.count(), c = t.in.c, o = t.out.c;
  const int64_t batch = batchSize<T>(c + o, tiles + tiles % kTogether<T>), groups = (o + kPanel - 1) / kPanel;
  const std::vector<T> zeros(std::max(c, o), T(0));
  auto inputs = at::empty({kPoints * batch * c}, options), grads = at::empty({kPoints * batch * o}, options);
  auto sums = at::empty({kPoints * c * o}, options.dtype(at::kFloat));
  auto *v = dataOf<T>(inputs), *w = dataOf<T>(grads);
  auto* du = dataOf<float>(sums);
  // A task is a point, a panel of columns and some of the rows.
  constexpr int64_t kTaskRows = 96;
  const int64_t parts = (c + kTaskRows - 1) / kTaskRows;
  for (int64_t first = 0; first < tiles; first += batch) {
    const int64_t taken = std::min(batch, tiles - first), count = taken + taken % kTogether<T>;
    transformBoth(t, x, dy, zeros.data(), first, taken, v, w);
    at::parallel_for(0, kPoints * groups * parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t row = task % parts * kTaskRows, column = task / parts % groups * kPanel;
        const int64_t point = task / parts / groups;
        multiply(v + point * count * c + row * kTogether<T>, 1, c, w + point * count * o + panelAt(column, count),
                 std::min(kPanel, o - column), du + (point * c + row) * o + column, o, std::min(kTaskRows, c - row),
                 count / kTogether<T>, first > 0);
      }
    });
  }
  at::parallel_for(0, c, 4, [&](int64_t begin, int64_t end) { filterGrad(du, c, o, begin, end, dfilter); });
}

Image imageOf(const at::Tensor& x) { return {x.size(0), x.size(1), x.size(2), x.size(3)}; }

bool isNarrow(const at::Tensor& x) { return x.scalar_type() == at::kBFloat16; }

void check(const at::Tensor& x, const at::Tensor& filter) {
  TORCH_CHECK(isNarrow(x) ? narrowAvailable() : available(), "this processor has not the instructions for conv3x3");
  TORCH_CHECK(x.dim() == 4 && filter.dim() == 4 && filter.size(0) == 3 && filter.size(1) == 3 &&
                  filter.size(2) == x.size(3) && x.size(3) % 16 == 0 && filter.size(3) % 16 == 0 &&
                  (x.scalar_type() == at::kFloat || isNarrow(x)) && filter.scalar_type() == x.scalar_type(),
              "conv3x3 wants images [N, H, W, C] and filters [3, 3, C, O] of one type, float or bfloat16, with "
              "multiples of 16 channels");
}

template <typename T>
void convolveAll(const Tiling& t, const at::Tensor& x, const at::Tensor& filter, const float* bias, at::Tensor& y) {
  const int64_t c = t.in.c, o = t.out.c;
  auto panels = at::empty({kPoints * c * o}, x.options());
  at::parallel_for(0, c / 2, 2, [&](int64_t begin, int64_t end) {
    filterPanels(dataOf<T>(filter), c, o, 2 * begin, 2 * end, dataOf<T>(panels));
  });
  convolveTiles<T>(t, dataOf<T>(x), panels, bias, dataOf<T>(y));
}

template <typename T>
void inputGradient(const Tiling& t, const at::Tensor& dy, const at::Tensor& filter, at::Tensor& dx) {
  const int64_t c = t.out.c, o = t.in.c;
  auto panels = at::empty({kPoints * c * o}, dy.options());
  at::parallel_for(0, o / 16, 1, [&](int64_t begin, int64_t end) {
    turnedFilterPanels(dataOf<T>(filter), c, o, begin, end, dataOf<T>(panels));
  });
  convolveTiles<T>(t, dataOf<T>(dy), panels, nullptr, dataOf<T>(dx));
}

at::Tensor convolve(const at::Tensor& given, const at::Tensor& weights, const c10::optional<at::Tensor>& bias,
                    at::IntArrayRef pads) {
  check(given, weights);
  const auto x = given.contiguous(), filter = weights.contiguous();
  const at::Tensor offset = bias ? bias->to(at::kFloat).contiguous() : at::Tensor();
  const auto in = imageOf(x);
  const Image out{in.n, in.h + pads[0] + pads[1] - 2, in.w + pads[2] + pads[3] - 2, filter.size(3)};
  auto y = at::empty({out.n, out.h, out.w, out.c}, x.options());
  const auto run = isNarrow(x) ? convolveAll<Narrow> : convolveAll<float>;
  run({in, out, pads[0], pads[2]}, x, filter, bias ? offset.data_ptr<float>() : nullptr, y);
  return y;
}

/// The filter's gradient is float whatever the filter is.
std::tuple<at::Tensor, at::Tensor> gradients(const at::Tensor& dyGiven, const at::Tensor& xGiven,
                                             const at::Tensor& weights, at::IntArrayRef pads, bool needInput,
                                             bool needFilter) {
  check(xGiven, weights);
  TORCH_CHECK(dyGiven.scalar_type() == xGiven.scalar_type(), "conv3x3_grad wants both images of one type");
  const auto dy = dyGiven.contiguous(), x = xGiven.contiguous(), filter = weights.contiguous();
  const auto in = imageOf(x), out = imageOf(dy);
  at::Tensor dx, dfilter;
  if (needFilter) {
    dfilter = at::empty(filter.sizes(), filter.options().dtype(at::kFloat));
    const Tiling t{in, out, pads[0], pads[2]};
    auto* to = dfilter.data_ptr<float>();
    if (isNarrow(x)) {
      filterGradient<Narrow>(t, dataOf<Narrow>(x), dataOf<Narrow>(dy), x.options(), to);
    } else {
      filterGradient<float>(t, dataOf<float>(x), dataOf<float>(dy), x.options(), to);
    }
  }
  if (needInput) {
    dx = at::empty(x.sizes(), x.options());
    const auto run = isNarrow(x) ? inputGradient<Narrow> : inputGradient<float>;
    run({out, in, 2 - pads[0], 2 - pads[2]}, dy, filter, dx);
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
