#pragma once
// Included once by each file of Winograd kernels, within its choice of instructions; the one for bfloat16 says so.
#include <immintrin.h>

#include "winograd-kernels.h"

namespace engine::winograd {
namespace {

using Vector = __m512;
constexpr int64_t kLanes = 16;
/// Rows that a product takes at a time: with four vectors of columns 24 sums, and registers left for the operands.
constexpr int kRows = 6;

/// Turning a filter by 180° exchanges the first and the last point in both directions.
constexpr int kTurned[4] = {3, 1, 2, 0};

inline Vector load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vector x) { _mm512_storeu_ps(p, x); }
#ifdef ENGINE_WINOGRAD_NARROW
inline Vector load(const Narrow* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}
inline void store(Narrow* p, Vector x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(x));
}
#endif
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

template <typename Element>
inline void filterTile(const Element* filter, int64_t tap, Vector* u) {
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

/// Bᵀ d B of 16 channels of a 4×4 tile.
template <typename Element>
inline void inputPoints(const Element* const* pixels, int64_t j, Vector* out) {
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
    out[y] = sub(t[y], t[y + 2]);
    out[y + 1] = add(t[y + 1], t[y + 2]);
    out[y + 2] = sub(t[y + 2], t[y + 1]);
    out[y + 3] = sub(t[y + 1], t[y + 3]);
  }
}

/// A e Aᵀ of 16 channels of a 2×2 tile.
template <typename Element>
inline void gradPoints(const Element* const* pixels, int64_t j, Vector* out) {
  const Vector a = load(pixels[0] + j), b = load(pixels[1] + j), c = load(pixels[2] + j), d = load(pixels[3] + j);
  const Vector none = _mm512_setzero_ps();
  const Vector left[4] = {a, add(a, c), sub(a, c), sub(none, c)};
  const Vector right[4] = {b, add(b, d), sub(b, d), sub(none, d)};
#pragma GCC unroll 4
  for (int y = 0; y < 4; y++) {
    out[4 * y] = left[y];
    out[4 * y + 1] = add(left[y], right[y]);
    out[4 * y + 2] = sub(left[y], right[y]);
    out[4 * y + 3] = sub(none, right[y]);
  }
}

/// Aᵀ M A and the bias, for as many columns as there are.
template <typename Element>
inline void outputPixels(const float* m, int64_t stride, int64_t width, const float* bias, Element* const* pixels) {
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

}  // namespace
}  // namespace engine::winograd
