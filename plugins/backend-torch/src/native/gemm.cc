#include "gemm.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>
#include <dlfcn.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "fused.h"

namespace engine {
namespace {

using Sgemm = int (*)(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float,
                      float*, int64_t);

/// oneDNN's row-major product, where libtorch is linked with the shared library (Debian's is; pip's hides its own).
Sgemm dnnlSgemm() {
  static const auto found = reinterpret_cast<Sgemm>([] {
    if (void* symbol = dlsym(RTLD_DEFAULT, "dnnl_sgemm")) return symbol;
    void* library = dlopen("libdnnl.so.2", RTLD_LAZY | RTLD_NOLOAD);
    if (!library) library = dlopen("libdnnl.so.3", RTLD_LAZY | RTLD_NOLOAD);
    return library ? dlsym(library, "dnnl_sgemm") : nullptr;
  }());
  return found;
}

/// A matrix (or a stack of them) as BLAS sees it.
struct Operand {
  at::Tensor tensor;
  bool transposed;
  int64_t leading, batchStride;
};

/// Brings a [B, M, K] view into a form with one unit stride, copying only what has none.
Operand operand(const at::Tensor& given, bool transpose) {
  at::Tensor x = given;
  const auto dim = x.dim();
  const auto usable = [&](int64_t unit, int64_t other) {
    return x.stride(unit) == 1 && x.stride(other) >= std::max<int64_t>(1, x.size(unit));
  };
  bool flipped = false;
  if (!usable(dim - 1, dim - 2)) {
    if (usable(dim - 2, dim - 1)) flipped = true;
    else x = x.contiguous();
  }
  const int64_t leading = flipped ? x.stride(dim - 1) : x.stride(dim - 2);
  return {x, flipped != transpose, std::max<int64_t>(leading, 1), dim == 3 && x.size(0) > 1 ? x.stride(0) : 0};
}

struct Problem {
  Operand a, b;
  int64_t batch, m, n, k;
};

void runDnnl(const Problem& p, at::Tensor& out, bool accumulate) {
  const auto sgemm = dnnlSgemm();
  const auto* a = p.a.tensor.data_ptr<float>();
  const auto* b = p.b.tensor.data_ptr<float>();
  auto* c = out.data_ptr<float>();
  const auto one = [&](int64_t i) {
    sgemm(p.a.transposed ? 'T' : 'N', p.b.transposed ? 'T' : 'N', p.m, p.n, p.k, 1.f, a + i * p.a.batchStride,
          p.a.leading, b + i * p.b.batchStride, p.b.leading, accumulate ? 1.f : 0.f, c + i * p.m * p.n, p.n);
  };
  if (p.batch == 1) {
    one(0);
    return;
  }
  at::parallel_for(0, p.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) one(i);
  });
}

at::Tensor flip(const at::Tensor& x, bool transpose) { return transpose ? x.transpose(-2, -1) : x; }

void fillBias(at::Tensor& out, const at::Tensor& bias, int64_t n) {
  const auto row = bias.contiguous();
  const auto* from = row.data_ptr<float>();
  auto* to = out.data_ptr<float>();
  const int64_t rows = out.numel() / std::max<int64_t>(n, 1);
  at::parallel_for(0, rows, 4096 / std::max<int64_t>(n, 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) std::memcpy(to + i * n, from, n * sizeof(float));
  });
}

struct Routes {
  std::mutex mutex;
  bool forced = false;
  Route route = Route::blas;
  std::unordered_map<std::string, Route> chosen;
  std::string fresh;

  static Routes& instance() {
    static auto* routes = new Routes();
    return *routes;
  }
};

const char* nameOf(Route route) { return route == Route::dnnl ? "dnnl" : "blas"; }

/// Shapes of about the same size and proportions share a class.
std::string classOf(const Problem& p) {
  const auto log = [](int64_t x) { return std::to_string(std::lround(std::log2(std::max<int64_t>(x, 1)))); };
  return std::string(p.a.transposed ? "t" : "n") + (p.b.transposed ? "t" : "n") + (p.batch > 1 ? "b" : "m") + "-" +
         log(p.m) + "-" + log(p.n) + "-" + log(p.k);
}

at::Tensor runBlas(const Problem& p, const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  return a.dim() == 2 ? at::mm(flip(a, ta), flip(b, tb)) : at::bmm(flip(a, ta), flip(b, tb));
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Route choose(const Problem& p, const at::Tensor& a, const at::Tensor& b, bool ta, bool tb) {
  if (!dnnlSgemm()) return Route::blas;
  auto& routes = Routes::instance();
  if (routes.forced) return routes.route;
  const auto key = classOf(p);
  {
    std::lock_guard<std::mutex> lock(routes.mutex);
    const auto found = routes.chosen.find(key);
    if (found != routes.chosen.end()) return found->second;
  }
  auto out = at::empty(p.batch > 1 || a.dim() == 3 ? at::IntArrayRef({p.batch, p.m, p.n}) : at::IntArrayRef({p.m, p.n}),
                       a.options());
  double best[2] = {1e9, 1e9};
  const double flops = 2.0 * p.batch * p.m * p.n * p.k;
  const int rounds = flops < 1e7 ? 9 : flops < 1e9 ? 5 : 3;
  for (int i = 0; i < rounds; i++) {
    double start = seconds();
    runBlas(p, a, b, ta, tb);
    best[0] = std::min(best[0], seconds() - start);
    start = seconds();
    runDnnl(p, out, false);
    best[1] = std::min(best[1], seconds() - start);
  }
  const Route route = best[1] <= best[0] ? Route::dnnl : Route::blas;
  std::lock_guard<std::mutex> lock(routes.mutex);
  routes.chosen[key] = route;
  routes.fresh += key + " " + nameOf(route) + "\n";
  return route;
}

at::Tensor matmul(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb, const c10::optional<at::Tensor>& bias) {
  const auto dim = a.dim();
  TORCH_CHECK(dim == b.dim() && (dim == 2 || dim == 3), "matmul wants two matrices or two stacks of matrices");
  const bool floats = a.scalar_type() == at::kFloat && b.scalar_type() == at::kFloat && a.device().is_cpu();
  Problem p{{}, {}, dim == 3 ? a.size(0) : 1, a.size(ta ? dim - 1 : dim - 2), b.size(tb ? dim - 2 : dim - 1),
            a.size(ta ? dim - 2 : dim - 1)};
  TORCH_CHECK(b.size(tb ? dim - 1 : dim - 2) == p.k, "matmul: inner sizes ", p.k, " and ",
              b.size(tb ? dim - 1 : dim - 2), " differ");
  if (!floats || p.m * p.n * p.k * p.batch == 0) {
    auto product = runBlas(p, a, b, ta, tb);
    return bias ? product.add(*bias) : product;
  }
  p.a = operand(a, ta);
  p.b = operand(b, tb);
  if (choose(p, a, b, ta, tb) == Route::blas) {
    auto product = runBlas(p, a, b, ta, tb);
    if (bias) product.add_(*bias);
    return product;
  }
  auto out = at::empty(dim == 3 ? at::IntArrayRef({p.batch, p.m, p.n}) : at::IntArrayRef({p.m, p.n}), a.options());
  if (bias) fillBias(out, *bias, p.n);
  runDnnl(p, out, bias.has_value());
  return out;
}

at::Tensor plainMatmul(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb,
                       const c10::optional<at::Tensor>& bias) {
  auto product = a.dim() == 2 ? at::mm(flip(a, ta), flip(b, tb)) : at::bmm(flip(a, ta), flip(b, tb));
  return bias ? product.add(*bias) : product;
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  defineFused(m,
              "matmul(Tensor a, Tensor b, bool transposeA=False, bool transposeB=False, Tensor? bias=None) -> Tensor",
              &matmul, &plainMatmul);
}

}  // namespace

void gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
          int64_t ldb, float beta, float* c, int64_t ldc) {
  if (const auto sgemm = dnnlSgemm()) {
    sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  const auto view = [](const float* data, int64_t rows, int64_t columns, int64_t ld) {
    return at::from_blob(const_cast<float*>(data), {rows, columns}, {ld, 1}, at::TensorOptions().dtype(at::kFloat));
  };
  const auto left = flip(view(a, ta ? k : m, ta ? m : k, lda), ta), right = flip(view(b, tb ? n : k, tb ? k : n, ldb), tb);
  auto out = view(c, m, n, ldc);
  out.addmm_(left, right, beta, alpha);
}

std::string gemmRoutes() { return dnnlSgemm() ? "blas dnnl" : "blas"; }

void forceGemmRoute(const std::string& name) {
  auto& routes = Routes::instance();
  routes.forced = !name.empty();
  routes.route = name == "dnnl" ? Route::dnnl : Route::blas;
}

void setGemmChoice(const std::string& shapeClass, const std::string& route) {
  auto& routes = Routes::instance();
  std::lock_guard<std::mutex> lock(routes.mutex);
  routes.chosen[shapeClass] = route == "dnnl" ? Route::dnnl : Route::blas;
}

std::string takeGemmChoices() {
  auto& routes = Routes::instance();
  std::lock_guard<std::mutex> lock(routes.mutex);
  std::string found;
  found.swap(routes.fresh);
  return found;
}

}  // namespace engine
