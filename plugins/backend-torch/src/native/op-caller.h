#pragma once
#include <ATen/core/dispatch/Dispatcher.h>

#include <string>
#include <vector>

#include "tensor-table.h"

namespace engine {

/// Calls dispatcher operators boxed. Arguments and results travel as doubles in one buffer shared with JavaScript,
/// laid out by the operator's schema: see `kinds` for the letters and op-encoding.ts for the other side.
class OpCaller {
 public:
  explicit OpCaller(TensorTable& table) : table_(table) {}

  struct Op {
    c10::OperatorHandle handle;
    /// One letter per argument, upper case when it may be None.
    std::string kinds;
    /// One letter per result.
    std::string results;
    /// Place of the argument that says where the result is made, if nothing else does; else -1.
    int device;
  };

  /// Number of the operator `aten::add.Tensor`; throws when the dispatcher has no such operator.
  int find(const std::string& qualified);
  /// Where operators that take no tensor make theirs.
  c10::Device device() const { return device_; }
  void setDevice(c10::Device device) { device_ = device; }

  const Op& at(int index) const { return ops_.at(index); }
  int intern(const std::string& text);

  /// Reads the first `given` arguments from `buffer` (the others are the schema's defaults), calls, and writes the
  /// results, unless `discard`, from its beginning.
  void call(int index, size_t given, double* buffer, size_t capacity, bool discard);

 private:
  double* writeTensor(const at::Tensor& tensor, double* out);
  const double* readArgument(char kind, const double* in);


  TensorTable& table_;
  c10::Device device_{c10::DeviceType::CPU};
  std::vector<Op> ops_;
  std::vector<std::string> strings_;
  torch::jit::Stack stack_;
};

}  // namespace engine
