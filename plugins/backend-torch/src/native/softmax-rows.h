#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "simd.h"

// The parts of a softmax over one row.

namespace engine {
namespace {

ENGINE_SIMD float rowMax(const float* x, int64_t n) {
  float most = x[0];
  for (int64_t i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
  return most;
}

/// exp by Cody–Waite reduction and a polynomial of degree 6 (Cephes): 2 units in the last place, and it vectorises.
ENGINE_SIMD float expRow(float* x, int64_t n, float most) {
  float sum = 0.f;
  for (int64_t i = 0; i < n; i++) {
    const float v = std::max(x[i] - most, -87.f);
    const float whole = std::floor(v * 1.44269504088896341f + 0.5f);
    const float r = (v - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    union {
      int32_t bits;
      float value;
    } power;
    power.bits = (static_cast<int32_t>(whole) + 127) << 23;
    x[i] = p * power.value;
  }
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return sum;
}

ENGINE_SIMD void scaleRow(float* x, int64_t n, float factor) {
  for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

}  // namespace
}  // namespace engine
