#pragma once
#include <cstdint>
#include <string>

namespace engine {

/// Ways to multiply two float matrices.
enum class Route { blas, dnnl, linear };

/// Routes that exist in this process, by name, separated by spaces.
std::string gemmRoutes();
/// Uses one route for everything, or with an empty name the one chosen for each shape class.
void forceGemmRoute(const std::string& name);
/// Fixes the route of a shape class, as an earlier process measured it.
void setGemmChoice(const std::string& shapeClass, const std::string& route);
/// Choices made by measuring since the last call, as lines `class route`.
std::string takeGemmChoices();

/// C = alpha · op(A) · op(B) + beta · C for row-major matrices with row lengths `ld…`; one thread inside a parallel
/// region.
void gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
          int64_t ldb, float beta, float* c, int64_t ldc);

}  // namespace engine
