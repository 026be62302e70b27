#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace engine {

/// A tensor of the processor over the memory of a typed array. The memory lives as long as the storage does, wherever
/// that is freed and whatever JavaScript does with the array. Undefined where the memory cannot be held like that.
at::Tensor shareArray(const Napi::TypedArray& array, at::ScalarType dtype, at::IntArrayRef sizes);

/// A tensor with a copy of the array.
at::Tensor copyArray(const Napi::TypedArray& array, at::ScalarType dtype, at::IntArrayRef sizes);

/// Writes a tensor's elements, in row-major order and the type that tfjs knows, to an array that is exactly so large; waits
/// for the device. The array may lie in shared memory.
void copyOut(const at::Tensor& tensor, const Napi::TypedArray& array);

/// {@link copyOut} in the order in which the elements lie on the device, where that is another one: as a packed array whose
/// last axes come first, as filters of convolutions are kept.
/// @returns how many of the tensor's axes come last in that order; 0 for row-major
int64_t copyStored(const at::Tensor& tensor, const Napi::TypedArray& array);

/// True for a storage that is JavaScript's memory, and so must not be written to.
bool isShared(const at::Tensor& tensor);

}  // namespace engine
