#include "host-array.h"

#include "async-read.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <node_version.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

// A reference to the array keeps neither its memory from being transferred to another thread nor can it be dropped by
// another thread; V8's own handle of the memory does both, which N-API does not offer. Newer V8 headers want C++20.
#if NODE_MAJOR_VERSION < 23 || __cplusplus >= 202002L
#define ENGINE_SHARES_ARRAYS
#include <v8.h>
#endif

namespace engine {
namespace {

/// Bytes below which one thread copies as fast as several.
constexpr int64_t kCopyGrain = 1 << 20;

struct View {
  char* data;
  size_t bytes;
};

/// N-API's own accessors refuse an array over shared memory.
View viewOf(const Napi::TypedArray& array) {
  void* data = nullptr;
  const auto status = napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, &data, nullptr, nullptr);
  if (status != napi_ok) throw std::invalid_argument("not a typed array");
  return {static_cast<char*>(data), array.ByteLength()};
}

at::Tensor checked(at::Tensor tensor, const View& view) {
  if (static_cast<size_t>(tensor.nbytes()) != view.bytes) throw std::length_error("the array does not fill the shape");
  return tensor;
}

#ifdef ENGINE_SHARES_ARRAYS
using Memory = std::shared_ptr<v8::BackingStore>;

void drop(void* memory) { delete static_cast<Memory*>(memory); }

v8::Local<v8::Value> toV8(napi_value value) {
  v8::Local<v8::Value> local;
  static_assert(sizeof(local) == sizeof(value), "a napi_value is a v8::Local");
  std::memcpy(static_cast<void*>(&local), &value, sizeof(value));
  return local;
}
#endif

}  // namespace

at::Tensor copyArray(const Napi::TypedArray& array, at::ScalarType dtype, at::IntArrayRef sizes) {
  const auto view = viewOf(array);
  auto tensor = checked(at::empty(sizes, at::TensorOptions().dtype(dtype)), view);
  if (view.bytes > 0) std::memcpy(tensor.data_ptr(), view.data, view.bytes);
  return tensor;
}

void copyOut(const at::Tensor& tensor, const Napi::TypedArray& array) {
  const auto view = viewOf(array);
  const auto type = hostType(tensor.scalar_type());
  if (static_cast<size_t>(tensor.numel()) * c10::elementSize(type) != view.bytes) {
    throw std::length_error("the array is not of the tensor's size");
  }
  if (view.bytes == 0) return;
  if (tensor.is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == type) {
    const auto* from = static_cast<const char*>(tensor.data_ptr());
    at::parallel_for(0, static_cast<int64_t>(view.bytes), kCopyGrain, [&](int64_t begin, int64_t end) {
      std::memcpy(view.data + begin, from + begin, end - begin);
    });
  } else {
    at::from_blob(view.data, tensor.sizes(), at::TensorOptions().dtype(type)).copy_(tensor);
  }
}

int64_t copyStored(const at::Tensor& tensor, const Napi::TypedArray& array) {
  const int64_t rank = tensor.dim();
  std::vector<int64_t> order(rank);
  for (int64_t split = 1; split < rank && !tensor.is_contiguous(); split++) {
    for (int64_t i = 0; i < rank; i++) order[i] = (split + i) % rank;
    const auto stored = tensor.permute(order);
    if (!stored.is_contiguous()) continue;
    copyOut(stored, array);
    return split;
  }
  copyOut(tensor, array);
  return 0;
}

#ifdef ENGINE_SHARES_ARRAYS

at::Tensor shareArray(const Napi::TypedArray& array, at::ScalarType dtype, at::IntArrayRef sizes) {
  // The layout of V8's classes is that of the Node that the addon was built for.
  const auto* version = Napi::VersionManagement::GetNodeVersion(array.Env());
  if (version->major != NODE_MAJOR_VERSION) return {};
  const auto view = viewOf(array);
  if (view.bytes == 0) return {};
  auto memory = toV8(array).As<v8::ArrayBufferView>()->Buffer()->GetBackingStore();
  // Another thread writes to shared memory when it likes.
  if (!memory || memory->IsShared()) return {};
  auto tensor = at::for_blob(view.data, sizes)
                    .context(new Memory(std::move(memory)), &drop)
                    .options(at::TensorOptions().dtype(dtype))
                    .make_tensor();
  return checked(std::move(tensor), view);
}

bool isShared(const at::Tensor& tensor) {
  return tensor.has_storage() && tensor.storage().data_ptr().get_deleter() == &drop;
}

#else

at::Tensor shareArray(const Napi::TypedArray&, at::ScalarType, at::IntArrayRef) { return {}; }
bool isShared(const at::Tensor&) { return false; }

#endif

}  // namespace engine
