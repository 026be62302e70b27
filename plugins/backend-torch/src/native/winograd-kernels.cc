#include "winograd-kernels.h"

#include <algorithm>

#ifdef ENGINE_WINOGRAD
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,fma")
#include "winograd-vectors.h"

namespace engine::winograd {
namespace {

template <int Rows, int Columns>
void block(const float* a, int64_t rowStride, int64_t columnStride, const float* b, float* c, int64_t leading,
           int64_t inner, bool accumulate) {
  Vector sum[Rows][Columns];
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; j++) {
      sum[i][j] = accumulate ? load(c + i * leading + j * kLanes) : _mm512_setzero_ps();
    }
  }
  for (int64_t k = 0; k < inner; k++) {
    Vector right[Columns];
#pragma GCC unroll 4
    for (int j = 0; j < Columns; j++) right[j] = load(b + j * kLanes);
    b += Columns * kLanes;
#pragma GCC unroll 8
    for (int i = 0; i < Rows; i++) {
      const Vector left = _mm512_set1_ps(a[i * rowStride]);
#pragma GCC unroll 4
      for (int j = 0; j < Columns; j++) sum[i][j] = _mm512_fmadd_ps(left, right[j], sum[i][j]);
    }
    a += columnStride;
  }
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; j++) store(c + i * leading + j * kLanes, sum[i][j]);
  }
}

template <int Columns>
void rowsOf(const float* a, int64_t rowStride, int64_t columnStride, const float* b, float* c, int64_t leading,
            int64_t rows, int64_t inner, bool accumulate) {
  int64_t i = 0;
  for (; i + kRows <= rows; i += kRows) {
    block<kRows, Columns>(a + i * rowStride, rowStride, columnStride, b, c + i * leading, leading, inner, accumulate);
  }
  a += i * rowStride;
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

bool available() {
  static const bool found = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return found;
}

void inputTile(const float* const* pixels, int64_t c, float* v, int64_t stride) {
  for (int64_t j = 0; j < c; j += kLanes) {
    Vector points[kPoints];
    inputPoints(pixels, j, points);
#pragma GCC unroll 16
    for (int k = 0; k < kPoints; k++) store(v + k * stride + j, points[k]);
  }
}

void gradTile(const float* const* pixels, int64_t o, float* w, int64_t stride, int64_t row, int64_t rows) {
  for (int64_t j = 0; j < o; j += kLanes) {
    Vector points[kPoints];
    gradPoints(pixels, j, points);
    float* to = w + column(j, o, rows, row);
#pragma GCC unroll 16
    for (int k = 0; k < kPoints; k++) store(to + k * stride, points[k]);
  }
}

void outputTile(const float* m, int64_t stride, int64_t width, const float* bias, float* const* pixels) {
  outputPixels(m, stride, width, bias, pixels);
}

void filterPanels(const float* filter, int64_t c, int64_t o, int64_t from, int64_t to, float* u) {
  for (int64_t i = from; i < to; i++) {
    for (int64_t j = 0; j < o; j += kLanes) {
      Vector points[16];
      filterTile(filter + i * o + j, c * o, points);
      float* out = u + column(j, o, c, i);
      for (int64_t k = 0; k < kPoints; k++) store(out + k * c * o, points[k]);
    }
  }
}

void turnedFilterPanels(const float* filter, int64_t c, int64_t o, int64_t from, int64_t to, float* u) {
  alignas(64) Vector points[16][16], found[16];
  for (int64_t j = from * kLanes; j < to * kLanes; j += kLanes) {
    for (int64_t i = 0; i < c; i += kLanes) {
      for (int64_t row = 0; row < kLanes; row++) {
        filterTile(filter + (i + row) * o + j, c * o, found);
        for (int64_t k = 0; k < kPoints; k++) points[k][row] = found[k];
      }
      for (int64_t k = 0; k < kPoints; k++) {
        transpose(points[k]);
        float* out = u + (kTurned[k / 4] * 4 + kTurned[k % 4]) * c * o;
        for (int64_t row = 0; row < kLanes; row++) store(out + column(i, c, o, j + row), points[k][row]);
      }
    }
  }
}

void filterGrad(const float* du, int64_t c, int64_t o, int64_t from, int64_t to, float* dfilter) {
  const int64_t size = c * o;
  for (int64_t at = from * o; at < to * o; at += kLanes) {
    Vector rows[12];
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      const float* point = du + x * size + at;
      const Vector b = load(point + 4 * size), d = load(point + 8 * size);
      rows[x] = add(load(point), half(add(b, d)));
      rows[4 + x] = half(sub(b, d));
      rows[8 + x] = add(load(point + 12 * size), half(add(b, d)));
    }
#pragma GCC unroll 3
    for (int y = 0; y < 3; y++) {
      const Vector *r = rows + 4 * y, both = half(add(r[1], r[2]));
      float* out = dfilter + 3 * y * size + at;
      store(out, add(r[0], both));
      store(out + size, half(sub(r[1], r[2])));
      store(out + 2 * size, add(r[3], both));
    }
  }
}

void multiply(const float* a, int64_t rowStride, int64_t columnStride, const float* panel, int64_t width, float* c,
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

bool available() { return false; }
void inputTile(const float* const*, int64_t, float*, int64_t) {}
void gradTile(const float* const*, int64_t, float*, int64_t, int64_t, int64_t) {}
void outputTile(const float*, int64_t, int64_t, const float*, float* const*) {}
void filterPanels(const float*, int64_t, int64_t, int64_t, int64_t, float*) {}
void turnedFilterPanels(const float*, int64_t, int64_t, int64_t, int64_t, float*) {}
void filterGrad(const float*, int64_t, int64_t, int64_t, int64_t, float*) {}
void multiply(const float*, int64_t, int64_t, const float*, int64_t, float*, int64_t, int64_t, int64_t, bool) {}

}  // namespace engine::winograd
#endif
