#pragma once
#include <cstdint>

// Pieces of F(2×2, 3×3) for processors with AVX-512. Channels are multiples of 16.
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, 2015 (arXiv:1509.09308), section 4.1.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ENGINE_WINOGRAD 1
#endif

namespace engine::winograd {

/// Elements of a transformed tile, 4 by 4.
constexpr int64_t kPoints = 16;
/// Columns of a right-hand matrix that lie together: [columns / 64][rows][64], the last group may be narrower.
constexpr int64_t kPanel = 64;

/// The bits of a bfloat16.
using Narrow = uint16_t;

/// False where the kernels below must not be called, and those for bfloat16.
bool available();
bool narrowAvailable();

/// V[ξ] = Bᵀ d B of one 4×4 tile: `pixels` are 16 rows of `c` channels, ξ's results lie `stride` floats apart.
void inputTile(const float* const* pixels, int64_t c, float* v, int64_t stride);
/// W[ξ] = A e Aᵀ of one 2×2 tile of output gradients: `pixels` are 4 rows of `o` channels. Written as panels: column j
/// of ξ lies at w + ξ·stride + (j / 64)·panel + (j mod 64) when the last panel is full, see `column`.
void gradTile(const float* const* pixels, int64_t o, float* w, int64_t stride, int64_t row, int64_t rows);
/// Y = Aᵀ M A, plus the bias when there is one: `m` has ξ's rows of `width` columns `stride` floats apart, `pixels` are 4
/// rows to write, or null outside of the image.
void outputTile(const float* m, int64_t stride, int64_t width, const float* bias, float* const* pixels);
/// U[ξ] = G g Gᵀ for input channels `from`..`to` of a filter [3][3][c][o], as panels [o / 64][c][64] for each ξ.
void filterPanels(const float* filter, int64_t c, int64_t o, int64_t from, int64_t to, float* u);
/// The same for the gradient by the input, rows `from`..`to` of 16 output channels each: the filter turned by 180°, with
/// its channels exchanged, as panels [c / 64][o][64].
void turnedFilterPanels(const float* filter, int64_t c, int64_t o, int64_t from, int64_t to, float* u);
/// dg = Gᵀ dU G for input channels `from`..`to`: dU [16][c][o] to a filter [3][3][c][o].
void filterGrad(const float* du, int64_t c, int64_t o, int64_t from, int64_t to, float* dfilter);
/// C[rows][width] (+)= A·B; A's element (i, k) lies at a + i·rowStride + k·columnStride, B is a panel of `width` columns.
void multiply(const float* a, int64_t rowStride, int64_t columnStride, const float* panel, int64_t width, float* c,
              int64_t leading, int64_t rows, int64_t inner, bool accumulate);

// The same with tiles, images and filters in bfloat16: transforms compute in float and round what they give, sums are
// float. Matrices hold two neighbours along the sum side by side, as instructions multiply them: A's elements are such
// pairs, which its strides and `inner` count, and panels have [rows / 2][64][2]. Channels and rows are even.

void inputTile(const Narrow* const* pixels, int64_t c, Narrow* v, int64_t stride);
/// Two tiles as a pair, `pixels` are 32 rows of channels: v [c][2] for each ξ.
void inputTilePair(const Narrow* const* pixels, int64_t c, Narrow* v, int64_t stride);
/// Two tiles as a pair, rows `row` and `row + 1`; `pixels` are 8 rows of channels.
void gradTilePair(const Narrow* const* pixels, int64_t o, Narrow* w, int64_t stride, int64_t row, int64_t rows);
void outputTile(const float* m, int64_t stride, int64_t width, const float* bias, Narrow* const* pixels);
void filterPanels(const Narrow* filter, int64_t c, int64_t o, int64_t from, int64_t to, Narrow* u);
void turnedFilterPanels(const Narrow* filter, int64_t c, int64_t o, int64_t from, int64_t to, Narrow* u);
void multiply(const Narrow* a, int64_t rowStride, int64_t columnStride, const Narrow* panel, int64_t width, float* c,
              int64_t leading, int64_t rows, int64_t inner, bool accumulate);

/// Where panel `first / 64` of a matrix with `rows` rows starts.
inline int64_t panelAt(int64_t first, int64_t rows) { return first * rows; }

}  // namespace engine::winograd
