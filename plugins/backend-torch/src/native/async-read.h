#pragma once
#include <ATen/ops/alias.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <napi.h>

#include <cstring>
#include <string>

namespace engine {

/// The element type in which a tensor leaves for JavaScript.
inline at::ScalarType hostType(at::ScalarType type) {
  if (type == at::kBFloat16 || type == at::kHalf || type == at::kDouble) return at::kFloat;
  return type == at::kLong ? at::kInt : type;
}

/// Copies a tensor into an ArrayBuffer on a thread of Node's pool, which waits for the GPU while JavaScript goes on.
class AsyncRead final : public Napi::AsyncWorker {
 public:
  AsyncRead(Napi::Env env, const at::Tensor& tensor)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), type_(hostType(tensor.scalar_type())) {
    c10::InferenceMode inference;
    // A second view of the storage: an update in place before the copy sees it and moves away.
    tensor_ = at::alias(tensor);
    auto buffer = Napi::ArrayBuffer::New(env, tensor.numel() * c10::elementSize(type_));
    data_ = buffer.Data();
    buffer_ = Napi::Persistent(Napi::Object(env, buffer));
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      c10::InferenceMode inference;
      if (tensor_.numel() > 0) {
        at::from_blob(data_, tensor_.sizes(), at::TensorOptions().dtype(type_)).copy_(tensor_);
      }
      tensor_ = at::Tensor();
    } catch (const c10::Error& error) {
      SetError(error.what_without_backtrace());
    }
  }

  void OnOK() override { deferred_.Resolve(buffer_.Value()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  at::ScalarType type_;
  at::Tensor tensor_;
  Napi::ObjectReference buffer_;
  void* data_ = nullptr;
};

}  // namespace engine
