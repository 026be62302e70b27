#include "narrow.h"

#include "simd.h"

namespace engine {
namespace {

union Bits {
  uint32_t bits;
  float value;
};

}  // namespace

ENGINE_SIMD void widen(const uint16_t* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    Bits wide;
    wide.bits = static_cast<uint32_t>(from[i]) << 16;
    to[i] = wide.value;
  }
}

ENGINE_SIMD void narrow(const float* from, uint16_t* to, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    Bits wide;
    wide.value = from[i];
    const uint32_t rounded = (wide.bits + 0x7fffu + ((wide.bits >> 16) & 1u)) >> 16;
    // Rounding could carry a NaN's last bits over into infinity.
    to[i] = static_cast<uint16_t>((wide.bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
  }
}

}  // namespace engine
