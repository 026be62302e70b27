#include <ATen/core/Tensor.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "fused.h"
#include "multi-tensor.h"
#include "simd.h"

// Runs a rule that says how the elements of parameters and state change, over all parameters at once, in place. The
// rule is a program of element-wise instructions. It is run on blocks that stay in the first-level cache, so memory is
// read and written once, as by a loop written for the rule.

namespace engine {
namespace {

/// Numbers of the instructions; packages/tensor/src/accelerated/element.ts has the same list.
enum Code { kAdd, kSub, kMul, kDiv, kMax, kMin, kLess, kNeg, kAbs, kSqrt, kSquare, kSign, kFill, kCopy, kSelect };

constexpr int64_t kBlock = 1024;

// A loop for each instruction and kind of operands: two vectors, a vector and a number, a number and a vector.
#define ENGINE_BINARY(name, expression)                                                                    \
  ENGINE_SIMD void name##VV(float* out, const float* x, const float* y, int64_t n) {                       \
    for (int64_t i = 0; i < n; i++) { const float a = x[i], b = y[i]; out[i] = expression; }               \
  }                                                                                                        \
  ENGINE_SIMD void name##VS(float* out, const float* x, float b, int64_t n) {                              \
    for (int64_t i = 0; i < n; i++) { const float a = x[i]; out[i] = expression; }                         \
  }                                                                                                        \
  ENGINE_SIMD void name##SV(float* out, float a, const float* y, int64_t n) {                              \
    for (int64_t i = 0; i < n; i++) { const float b = y[i]; out[i] = expression; }                         \
  }
#define ENGINE_UNARY(name, expression)                                              \
  ENGINE_SIMD void name(float* out, const float* x, int64_t n) {                    \
    for (int64_t i = 0; i < n; i++) { const float a = x[i]; out[i] = expression; }  \
  }

ENGINE_BINARY(addLoop, a + b)
ENGINE_BINARY(subLoop, a - b)
ENGINE_BINARY(mulLoop, a * b)
ENGINE_BINARY(divLoop, a / b)
// A NaN on either side is the result, as with ATen and tfjs.
ENGINE_BINARY(maxLoop, a > b || a != a ? a : b)
ENGINE_BINARY(minLoop, a < b || a != a ? a : b)
ENGINE_BINARY(lessLoop, a < b ? 1.f : 0.f)
ENGINE_UNARY(negLoop, -a)
ENGINE_UNARY(absLoop, std::fabs(a))
ENGINE_UNARY(sqrtLoop, std::sqrt(a))
ENGINE_UNARY(squareLoop, a * a)
ENGINE_UNARY(signLoop, a > 0.f ? 1.f : a < 0.f ? -1.f : a)

ENGINE_SIMD void selectLoop(float* out, const float* condition, const float* x, const float* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = condition[i] != 0.f ? x[i] : y[i];
}

struct Program {
  at::IntArrayRef code;
  std::vector<float> constants;
  /// Pairs of a field and the register whose content it takes.
  at::IntArrayRef outputs;
};

#define ENGINE_CASE(code, name)                                                         \
  case code:                                                                            \
    if (in[2] < 0) name##SV(out, constant(in[2]), registers[in[3]], n);                 \
    else if (in[3] < 0) name##VS(out, registers[in[2]], constant(in[3]), n);            \
    else name##VV(out, registers[in[2]], registers[in[3]], n);                          \
    break;

void runBlock(const Program& program, float* const* registers, int64_t n) {
  const auto constant = [&](int64_t operand) { return program.constants[-1 - operand]; };
  const auto end = program.code.end();
  for (auto in = program.code.begin(); in != end; in += 5) {
    float* out = registers[in[1]];
    switch (in[0]) {
      ENGINE_CASE(kAdd, addLoop)
      ENGINE_CASE(kSub, subLoop)
      ENGINE_CASE(kMul, mulLoop)
      ENGINE_CASE(kDiv, divLoop)
      ENGINE_CASE(kMax, maxLoop)
      ENGINE_CASE(kMin, minLoop)
      ENGINE_CASE(kLess, lessLoop)
      case kNeg: negLoop(out, registers[in[2]], n); break;
      case kAbs: absLoop(out, registers[in[2]], n); break;
      case kSqrt: sqrtLoop(out, registers[in[2]], n); break;
      case kSquare: squareLoop(out, registers[in[2]], n); break;
      case kSign: signLoop(out, registers[in[2]], n); break;
      case kFill: std::fill(out, out + n, constant(in[2])); break;
      case kCopy: std::memcpy(out, registers[in[2]], n * sizeof(float)); break;
      case kSelect: selectLoop(out, registers[in[2]], registers[in[3]], registers[in[4]], n); break;
      default: throw std::invalid_argument("engine::update_elements: unknown instruction");
    }
  }
}

/// `tensors` holds the first field of every parameter, then the second of every one, and so on. The first field is
/// changed always; fields that are not changed are read, the first of them being the gradient.
void updateElements(at::TensorList tensors, int64_t fields, int64_t temporaries, at::IntArrayRef code,
                    at::ArrayRef<double> constants, at::IntArrayRef outputs) {
  const size_t count = tensors.size() / fields;
  Program program{code, {constants.begin(), constants.end()}, outputs};
  std::vector<bool> changed(fields, false);
  for (size_t i = 0; i < outputs.size(); i += 2) changed[outputs[i]] = true;

  std::vector<at::Tensor> held;
  std::vector<float*> data(tensors.size());
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < count; i++) {
    const auto& leader = tensors[i];
    for (int64_t f = 1; f < fields; f++) {
      if (changed[f]) continue;
      prepare(leader, tensors[f * count + i]);
      break;
    }
    own(leader);
    for (int64_t f = 0; f < fields; f++) {
      const auto& each = tensors[f * count + i];
      if (f > 0 && changed[f]) align(each, leader);
      held.push_back(changed[f] ? each : alike(each.to(at::kFloat), leader));
      data[f * count + i] = held.back().data_ptr<float>();
    }
    sizes.push_back(leader.numel());
  }
  overAll(sizes, [&](size_t which, int64_t from, int64_t size) {
    thread_local std::vector<float> scratch;
    scratch.resize(temporaries * kBlock);
    std::vector<float*> registers(fields + temporaries);
    for (int64_t t = 0; t < temporaries; t++) registers[fields + t] = scratch.data() + t * kBlock;
    for (int64_t at = from; at < from + size; at += kBlock) {
      const int64_t n = std::min(kBlock, from + size - at);
      for (int64_t f = 0; f < fields; f++) registers[f] = data[f * count + which] + at;
      runBlock(program, registers.data(), n);
      for (size_t i = 0; i < outputs.size(); i += 2) {
        std::memcpy(registers[outputs[i]], registers[outputs[i + 1]], n * sizeof(float));
      }
    }
  });
}

/// The same program with a tensor in each register.
void plainUpdateElements(at::TensorList tensors, int64_t fields, int64_t temporaries, at::IntArrayRef code,
                         at::ArrayRef<double> constants, at::IntArrayRef outputs) {
  const size_t count = tensors.size() / fields;
  for (size_t i = 0; i < count; i++) {
    std::vector<at::Tensor> registers(fields + temporaries);
    for (int64_t f = 0; f < fields; f++) registers[f] = tensors[f * count + i].to(at::kFloat);
    const auto constant = [&](int64_t operand) { return at::full_like(registers[0], constants[-1 - operand]); };
    const auto value = [&](int64_t operand) { return operand < 0 ? constant(operand) : registers[operand]; };
    for (auto in = code.begin(); in != code.end(); in += 5) {
      at::Tensor& out = registers[in[1]];
      switch (in[0]) {
        case kAdd: out = value(in[2]).add(value(in[3])); break;
        case kSub: out = value(in[2]).sub(value(in[3])); break;
        case kMul: out = value(in[2]).mul(value(in[3])); break;
        case kDiv: out = value(in[2]).div(value(in[3])); break;
        case kMax: out = at::maximum(value(in[2]), value(in[3])); break;
        case kMin: out = at::minimum(value(in[2]), value(in[3])); break;
        case kLess: out = value(in[2]).lt(value(in[3])).to(at::kFloat); break;
        case kNeg: out = value(in[2]).neg(); break;
        case kAbs: out = value(in[2]).abs(); break;
        case kSqrt: out = value(in[2]).sqrt(); break;
        case kSquare: out = value(in[2]).mul(value(in[2])); break;
        case kSign: out = value(in[2]).sign(); break;
        case kFill: out = constant(in[2]); break;
        case kCopy: out = value(in[2]).clone(); break;
        case kSelect: out = at::where(value(in[2]).ne(0), value(in[3]), value(in[4])); break;
        default: throw std::invalid_argument("engine::update_elements: unknown instruction");
      }
    }
    for (size_t o = 0; o < outputs.size(); o += 2) {
      const auto& field = tensors[outputs[o] * count + i];
      own(field);
      field.copy_(registers[outputs[o + 1]]);
    }
  }
}

TORCH_LIBRARY_FRAGMENT(engine, m) {
  defineFused(m,
              "update_elements(Tensor[] tensors, int fields, int temporaries, int[] code, float[] constants, int[] "
              "outputs) -> ()",
              &updateElements, &plainUpdateElements);
}

}  // namespace
}  // namespace engine
