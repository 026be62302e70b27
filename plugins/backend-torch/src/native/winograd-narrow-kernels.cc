#include "winograd-kernels.h"

#include <algorithm>

#ifdef ENGINE_WINOGRAD
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,fma")
#define ENGINE_WINOGRAD_NARROW
#include "winograd-vectors.h"

namespace engine::winograd {
namespace {

/// 16 pairs: `even` and `odd` rounded and interleaved.
inline void storePairs(Narrow* p, Vector even, Vector odd) {
  alignas(64) static constexpr uint16_t kOrder[32] = {0,  16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                      8,  24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const auto both = (__m512i)_mm512_cvtne2ps_pbh(odd, even);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi16(_mm512_load_si512(kOrder), both));
}

/// Where the pair of rows `row` and `row + 1` of column j lies.
inline int64_t pairAt(int64_t j, int64_t columns, int64_t rows, int64_t row) {
  const int64_t first = j / kPanel * kPanel;
  return first * rows + row * std::min(kPanel, columns - first) + 2 * (j - first);
}

template <int Rows, int Columns>
void block(const Narrow* a, int64_t rowStride, int64_t columnStride, const Narrow* b, float* c, int64_t leading,
           int64_t inner, bool accumulate) {
  Vector sum[Rows][Columns];
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; j++) {
      sum[i][j] = accumulate ? load(c + i * leading + j * kLanes) : _mm512_setzero_ps();
    }
  }
  const auto* pairs = reinterpret_cast<const int32_t*>(a);
  for (int64_t k = 0; k < inner; k++) {
    __m512bh right[Columns];
#pragma GCC unroll 4
    for (int j = 0; j < Columns; j++) right[j] = (__m512bh)_mm512_loadu_si512(b + j * 2 * kLanes);
    b += Columns * 2 * kLanes;
#pragma GCC unroll 8
    for (int i = 0; i < Rows; i++) {
      const auto left = (__m512bh)_mm512_set1_epi32(pairs[i * rowStride]);
#pragma GCC unroll 4
      for (int j = 0; j < Columns; j++) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], left, right[j]);
    }
    pairs += columnStride;
  }
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; j++) store(c + i * leading + j * kLanes, sum[i][j]);
  }
}

template <int Columns>
void rowsOf(const Narrow* a, int64_t rowStride, int64_t columnStride, const Narrow* b, float* c, int64_t leading,
            int64_t rows, int64_t inner, bool accumulate) {
  int64_t i = 0;
  for (; i + kRows <= rows; i += kRows) {
    block<kRows, Columns>(a + 2 * i * rowStride, rowStride, columnStride, b, c + i * leading, leading, inner, accumulate);
  }
  a += 2 * i * rowStride;
  c += i * leading;
  switch (rows - i) {
    case 5: block<5, Columns>(a, rowStride, columnStride, b, c, leading, inner, accumulate); break;
    case 4: block<4, Columns>(a, rowStride, columnStride, b, c, leading, inner, accumulate); break;
    case 3: block<3, Columns>(a, rowStride, columnStride, b, c, leading, inner, accumulate); break;
    case 2: block<2, Columns>(a, rowStride, columnStride, b, c, leading, inner, accumulate); break;
    case 1: block<1, Columns>(a, rowStride, columnStride, b, c, leading, inner, accumulate); break;
    default: break;
  }
}

}  // namespace

bool narrowAvailable() {
  static const bool found = available() && __builtin_cpu_supports("avx512bf16");
  return found;
}

void inputTile(const Narrow* const* pixels, int64_t c, Narrow* v, int64_t stride) {
  for (int64_t j = 0; j < c; j += kLanes) {
    Vector points[kPoints];
    inputPoints(pixels, j, points);
#pragma GCC unroll 16
    for (int k = 0; k < kPoints; k++) store(v + k * stride + j, points[k]);
  }
}

void inputTilePair(const Narrow* const* pixels, int64_t c, Narrow* v, int64_t stride) {
  for (int64_t j = 0; j < c; j += kLanes) {
    Vector even[kPoints], odd[kPoints];
    inputPoints(pixels, j, even);
    inputPoints(pixels + kPoints, j, odd);
    for (int k = 0; k < kPoints; k++) storePairs(v + k * stride + 2 * j, even[k], odd[k]);
  }
}

void gradTilePair(const Narrow* const* pixels, int64_t o, Narrow* w, int64_t stride, int64_t row, int64_t rows) {
  for (int64_t j = 0; j < o; j += kLanes) {
    Vector even[kPoints], odd[kPoints];
    gradPoints(pixels, j, even);
    gradPoints(pixels + 4, j, odd);
    Narrow* to = w + pairAt(j, o, rows, row);
    for (int k = 0; k < kPoints; k++) storePairs(to + k * stride, even[k], odd[k]);
  }
}

void outputTile(const float* m, int64_t stride, int64_t width, const float* bias, Narrow* const* pixels) {
  outputPixels(m, stride, width, bias, pixels);
}

void filterPanels(const Narrow* filter, int64_t c, int64_t o, int64_t from, int64_t to, Narrow* u) {
  for (int64_t i = from; i < to; i += 2) {
    for (int64_t j = 0; j < o; j += kLanes) {
      Vector even[kPoints], odd[kPoints];
      filterTile(filter + i * o + j, c * o, even);
      filterTile(filter + (i + 1) * o + j, c * o, odd);
      Narrow* out = u + pairAt(j, o, c, i);
      for (int64_t k = 0; k < kPoints; k++) storePairs(out + k * c * o, even[k], odd[k]);
    }
  }
}

void turnedFilterPanels(const Narrow* filter, int64_t c, int64_t o, int64_t from, int64_t to, Narrow* u) {
  alignas(64) Vector points[kPoints][kLanes], found[kPoints];
  for (int64_t j = from * kLanes; j < to * kLanes; j += kLanes) {
    for (int64_t i = 0; i < c; i += kLanes) {
      for (int64_t row = 0; row < kLanes; row++) {
        filterTile(filter + (i + row) * o + j, c * o, found);
        for (int64_t k = 0; k < kPoints; k++) points[k][row] = found[k];
      }
      for (int64_t k = 0; k < kPoints; k++) {
        transpose(points[k]);
        Narrow* out = u + (kTurned[k / 4] * 4 + kTurned[k % 4]) * c * o;
        for (int64_t row = 0; row < kLanes; row += 2) {
          storePairs(out + pairAt(i, c, o, j + row), points[k][row], points[k][row + 1]);
        }
      }
    }
  }
}

void multiply(const Narrow* a, int64_t rowStride, int64_t columnStride, const Narrow* panel, int64_t width, float* c,
              int64_t leading, int64_t rows, int64_t inner, bool accumulate) {
  switch (width / kLanes) {
    case 4: rowsOf<4>(a, rowStride, columnStride, panel, c, leading, rows, inner, accumulate); break;
    case 3: rowsOf<3>(a, rowStride, columnStride, panel, c, leading, rows, inner, accumulate); break;
    case 2: rowsOf<2>(a, rowStride, columnStride, panel, c, leading, rows, inner, accumulate); break;
    default: rowsOf<1>(a, rowStride, columnStride, panel, c, leading, rows, inner, accumulate); break;
  }
}

}  // namespace engine::winograd
#pragma GCC pop_options

#else

namespace engine::winograd {

bool narrowAvailable() { return false; }
void inputTile(const Narrow* const*, int64_t, Narrow*, int64_t) {}
void inputTilePair(const Narrow* const*, int64_t, Narrow*, int64_t) {}
void gradTilePair(const Narrow* const*, int64_t, Narrow*, int64_t, int64_t, int64_t) {}
void outputTile(const float*, int64_t, int64_t, const float*, Narrow* const*) {}
void filterPanels(const Narrow*, int64_t, int64_t, int64_t, int64_t, Narrow*) {}
void turnedFilterPanels(const Narrow*, int64_t, int64_t, int64_t, int64_t, Narrow*) {}
void multiply(const Narrow*, int64_t, int64_t, const Narrow*, int64_t, float*, int64_t, int64_t, int64_t, bool) {}

}  // namespace engine::winograd
#endif
