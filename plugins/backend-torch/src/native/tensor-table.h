#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace engine {

/// Tensors by number. A number carries the generation of its slot, so that a stale one is refused instead of naming
/// whatever lives in the slot now. One table per JavaScript thread: no locks.
class TensorTable {
 public:
  double add(at::Tensor tensor) {
    uint32_t index;
    if (free_.empty()) {
      index = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Slot& slot = slots_[index];
    slot.tensor = std::move(tensor);
    slot.used = true;
    live_++;
    return static_cast<double>(static_cast<uint64_t>(slot.generation) * kSlots + index);
  }

  at::Tensor& get(double handle) { return slotOf(handle).tensor; }

  void release(double handle) {
    Slot& slot = slotOf(handle);
    slot.tensor = at::Tensor();
    slot.used = false;
    // 2^26 generations of 2^26 slots: a product that a double still holds exactly.
    slot.generation = (slot.generation + 1) % kGenerations;
    live_--;
    free_.push_back(static_cast<uint32_t>(static_cast<uint64_t>(handle) % kSlots));
  }

  size_t live() const { return live_; }

 private:
  static constexpr uint64_t kSlots = 1ull << 26;
  static constexpr uint32_t kGenerations = 1u << 26;

  struct Slot {
    at::Tensor tensor;
    uint32_t generation = 0;
    bool used = false;
  };

  Slot& slotOf(double handle) {
    if (!(handle >= 0)) throw std::out_of_range("a tensor handle is missing");
    const auto whole = static_cast<uint64_t>(handle);
    const uint64_t index = whole % kSlots;
    if (index >= slots_.size() || !slots_[index].used || slots_[index].generation != whole / kSlots) {
      throw std::out_of_range("a tensor was used after it had been freed");
    }
    return slots_[index];
  }

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t live_ = 0;
};

}  // namespace engine
