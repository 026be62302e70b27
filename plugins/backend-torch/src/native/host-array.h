#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace engine {

/// A tensor of the processor over the memory of a typed array. The memory lives as long as the storage does, wherever
/// that is freed and whatever JavaScript does with the array. Undefined where the memory cannot be held like that.
at::Tensor shareArray(const Napi::TypedArray& array, at::ScalarType dtype, at::IntArrayRef sizes);

/// A tensor with a copy of the array.
at::Tensor copyArray(const Napi::TypedArray& array, at::ScalarType dtype, at::IntArrayRef sizes);

/// True for a storage that is JavaScript's memory, and so must not be written to.
bool isShared(const at::Tensor& tensor);

}  // namespace engine
