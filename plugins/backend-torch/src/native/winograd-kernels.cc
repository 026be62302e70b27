#include "winograd-kernels.h"

#include <algorithm>

#ifdef ENGINE_WINOGRAD
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,fma")
#include <immintrin.h>

namespace engine::winograd {
namespace {

using Vector = __m512;
constexpr int64_t kLanes = 16;
/// With four vectors of columns: 24 sums, and registers left for the operands.
constexpr int kRows = 6;

inline Vector load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vector x) { _mm512_storeu_ps(p, x); }
inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
inline Vector sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
inline Vector half(Vector a) { return _mm512_mul_ps(a, _mm512_set1_ps(0.5f)); }

/// Where column j of a matrix with `rows` rows lies when its columns are in panels.
inline int64_t column(int64_t j, int64_t columns, int64_t rows, int64_t row) {
  const int64_t first = j / kPanel * kPanel;
  return first * rows + row * std::min(kPanel, columns - first) + (j - first);
}

/// (g0, g1, g2) → G g
inline void filterPoints(Vector g0, Vector g1, Vector g2, Vector* out, int step) {
  const Vector outer = half(add(g0, g2)), inner = half(g1);
  out[0] = g0;
  out[step] = add(outer, inner);
  out[2 * step] = sub(outer, inner);
  out[3 * step] = g2;
}

inline void filterTile(const float* filter, int64_t tap, Vector* u) {
  Vector rows[12];
  for (int j = 0; j < 3; j++) {
    filterPoints(load(filter + j * tap), load(filter + (3 + j) * tap), load(filter + (6 + j) * tap), rows + j, 3);
  }
  for (int i = 0; i < 4; i++) filterPoints(rows[3 * i], rows[3 * i + 1], rows[3 * i + 2], u + 4 * i, 1);
}

inline void transpose(Vector* r) {
  Vector t[16];
  for (int i = 0; i < 16; i += 4) {
    const Vector a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
    const Vector c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
    t[i] = _mm512_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
  }
  for (int i = 0; i < 4; i++) {
    const Vector a = _mm512_shuffle_f32x4(t[i], t[4 + i], 0x88), b = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0x88);
    const Vector c = _mm512_shuffle_f32x4(t[i], t[4 + i], 0xdd), d = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0xdd);
    r[i] = _mm512_shuffle_f32x4(a, b, 0x88);
    r[i + 8] = _mm512_shuffle_f32x4(a, b, 0xdd);
    r[i + 4] = _mm512_shuffle_f32x4(c, d, 0x88);
    r[i + 12] = _mm512_shuffle_f32x4(c, d, 0xdd);
  }
}

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
    Vector t[16];
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      const Vector a = load(pixels[x] + j), b = load(pixels[4 + x] + j), d = load(pixels[8 + x] + j),
                   e = load(pixels[12 + x] + j);
      t[x] = sub(a, d);
      t[4 + x] = add(b, d);
      t[8 + x] = sub(d, b);
      t[12 + x] = sub(b, e);
    }
#pragma GCC unroll 4
    for (int y = 0; y < 16; y += 4) {
      float* to = v + y * stride + j;
      store(to, sub(t[y], t[y + 2]));
      store(to + stride, add(t[y + 1], t[y + 2]));
      store(to + 2 * stride, sub(t[y + 2], t[y + 1]));
      store(to + 3 * stride, sub(t[y + 1], t[y + 3]));
    }
  }
}

void gradTile(const float* const* pixels, int64_t o, float* w, int64_t stride, int64_t row, int64_t rows) {
  for (int64_t j = 0; j < o; j += kLanes) {
    const Vector a = load(pixels[0] + j), b = load(pixels[1] + j), c = load(pixels[2] + j), d = load(pixels[3] + j);
    const Vector left[4] = {a, add(a, c), sub(a, c), sub(_mm512_setzero_ps(), c)};
    const Vector right[4] = {b, add(b, d), sub(b, d), sub(_mm512_setzero_ps(), d)};
    float* to = w + column(j, o, rows, row);
#pragma GCC unroll 4
    for (int y = 0; y < 4; y++, to += 4 * stride) {
      store(to, left[y]);
      store(to + stride, add(left[y], right[y]));
      store(to + 2 * stride, sub(left[y], right[y]));
      store(to + 3 * stride, sub(_mm512_setzero_ps(), right[y]));
    }
  }
}

void outputTile(const float* m, int64_t stride, int64_t width, const float* bias, float* const* pixels) {
  for (int64_t j = 0; j < width; j += kLanes) {
    Vector top[4], bottom[4];
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      const float* from = m + x * stride + j;
      const Vector b = load(from + 4 * stride), c = load(from + 8 * stride);
      top[x] = add(load(from), add(b, c));
      bottom[x] = sub(sub(b, c), load(from + 12 * stride));
    }
    const Vector offset = bias ? load(bias + j) : _mm512_setzero_ps();
    if (pixels[0]) store(pixels[0] + j, add(offset, add(top[0], add(top[1], top[2]))));
    if (pixels[1]) store(pixels[1] + j, add(offset, sub(sub(top[1], top[2]), top[3])));
    if (pixels[2]) store(pixels[2] + j, add(offset, add(bottom[0], add(bottom[1], bottom[2]))));
    if (pixels[3]) store(pixels[3] + j, add(offset, sub(sub(bottom[1], bottom[2]), bottom[3])));
  }
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
  // Turning a filter by 180° exchanges the first and the last point in both directions.
  constexpr int kTurned[4] = {3, 1, 2, 0};
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
