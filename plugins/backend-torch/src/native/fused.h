#pragma once
#include <ATen/core/Tensor.h>
#include <torch/library.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace engine {

/// True where operators of ours are to be composed of libtorch's: `ENGINE_TORCH_PLAIN`.
inline bool onlyPlain() {
  static const bool set = std::getenv("ENGINE_TORCH_PLAIN") != nullptr;
  return set;
}

/// Whether a loop of ours may walk over the tensor.
inline bool hasLoop(const at::Tensor& x) { return x.is_cpu() && !onlyPlain(); }

/// Registers an operator of ours twice: a loop of our own for float tensors of the processor, and plain ATen calls,
/// which run on every device.
template <typename Loop, typename Plain>
void defineFused(torch::Library& library, const char* schema, Loop loop, Plain plain) {
  const std::string name(schema, std::strchr(schema, '('));
  library.def(schema);
  library.impl(name.c_str(), torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, plain));
  if (!onlyPlain()) library.impl(name.c_str(), torch::dispatch(c10::DispatchKey::CPU, loop));
}

}  // namespace engine
