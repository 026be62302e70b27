#include "op-caller.h"

#include <c10/core/InferenceMode.h>

#include <cctype>
#include <stdexcept>

namespace engine {
namespace {

/// t tensor, l list of tensors, o list of optional tensors, i int, f float, b bool, s scalar, I list of ints is 'n',
/// list of floats 'x', list of bools 'y', string 'c', list of scalars 'z', anything that only None fits '-'.
char kindOf(const c10::TypePtr& type, bool& optional) {
  using c10::TypeKind;
  switch (type->kind()) {
    case TypeKind::OptionalType: {
      optional = true;
      bool inner = false;
      return kindOf(type->castRaw<c10::OptionalType>()->getElementType(), inner);
    }
    case TypeKind::TensorType: return 't';
    case TypeKind::IntType:
    case TypeKind::SymIntType: return 'i';
    case TypeKind::FloatType: return 'f';
    case TypeKind::BoolType: return 'b';
    case TypeKind::NumberType: return 's';
    case TypeKind::StringType: return 'c';
    case TypeKind::ListType: {
      bool inner = false;
      const char element = kindOf(type->castRaw<c10::ListType>()->getElementType(), inner);
      switch (element) {
        case 't': return inner ? 'o' : 'l';
        case 'i': return 'n';
        case 'f': return 'x';
        case 'b': return 'y';
        case 's': return 'z';
        default: return '-';
      }
    }
    default: return '-';
  }
}

/// The place of `Device? device` in a schema without tensors, else -1.
int devicePlace(const c10::FunctionSchema& schema) {
  int found = -1;
  const auto& arguments = schema.arguments();
  for (size_t i = 0; i < arguments.size(); i++) {
    const std::string type = arguments[i].type()->str();
    if (type.find("Tensor") != std::string::npos) return -1;
    if (arguments[i].name() == "device" && type.find("Device") != std::string::npos) found = static_cast<int>(i);
  }
  return found;
}

}  // namespace

int OpCaller::find(const std::string& qualified) {
  const auto colon = qualified.find("::");
  const auto dot = colon == std::string::npos ? std::string::npos : qualified.find('.', colon);
  const c10::OperatorName name(qualified.substr(0, dot), dot == std::string::npos ? "" : qualified.substr(dot + 1));
  auto handle = c10::Dispatcher::singleton().findSchema(name);
  if (!handle) throw std::invalid_argument("this libtorch has no operator " + qualified);
  Op op{*handle, "", "", devicePlace(handle->schema())};
  for (const auto& argument : handle->schema().arguments()) {
    bool optional = false;
    const char kind = kindOf(argument.type(), optional);
    op.kinds += optional ? static_cast<char>(std::toupper(kind)) : kind;
  }
  for (const auto& result : handle->schema().returns()) {
    bool optional = false;
    op.results += kindOf(result.type(), optional);
  }
  ops_.push_back(std::move(op));
  return static_cast<int>(ops_.size()) - 1;
}

int OpCaller::intern(const std::string& text) {
  strings_.push_back(text);
  return static_cast<int>(strings_.size()) - 1;
}

const double* OpCaller::readArgument(char kind, const double* in) {
  if (std::isupper(kind) || kind == '-') {
    if (*in++ == 0) {
      stack_.emplace_back();
      return in;
    }
    kind = static_cast<char>(std::tolower(kind));
  }
  switch (kind) {
    case 't': stack_.emplace_back(table_.get(*in++)); return in;
    case 'i': stack_.emplace_back(static_cast<int64_t>(*in++)); return in;
    case 'f': stack_.emplace_back(*in++); return in;
    case 'b': stack_.emplace_back(*in++ != 0); return in;
    case 's': {
      const double tag = *in++;
      const double value = *in++;
      if (tag == 1) stack_.emplace_back(static_cast<int64_t>(value));
      else stack_.emplace_back(value);
      return in;
    }
    case 'c': stack_.emplace_back(strings_.at(static_cast<size_t>(*in++))); return in;
    default: break;
  }
  const auto count = static_cast<size_t>(*in++);
  switch (kind) {
    case 'l': {
      c10::List<at::Tensor> list;
      list.reserve(count);
      for (size_t i = 0; i < count; i++) list.push_back(table_.get(*in++));
      stack_.emplace_back(std::move(list));
      return in;
    }
    case 'o': {
      c10::List<c10::optional<at::Tensor>> list;
      for (size_t i = 0; i < count; i++, in++) {
        list.push_back(*in < 0 ? c10::optional<at::Tensor>() : c10::optional<at::Tensor>(table_.get(*in)));
      }
      stack_.emplace_back(std::move(list));
      return in;
    }
    case 'n': {
      c10::List<int64_t> list;
      list.reserve(count);
      for (size_t i = 0; i < count; i++) list.push_back(static_cast<int64_t>(*in++));
      stack_.emplace_back(std::move(list));
      return in;
    }
    case 'x': {
      c10::List<double> list;
      for (size_t i = 0; i < count; i++) list.push_back(*in++);
      stack_.emplace_back(std::move(list));
      return in;
    }
    case 'y': {
      c10::List<bool> list;
      for (size_t i = 0; i < count; i++) list.push_back(*in++ != 0);
      stack_.emplace_back(std::move(list));
      return in;
    }
    case 'z': {
      c10::List<at::Scalar> list;
      for (size_t i = 0; i < count; i++) list.push_back(at::Scalar(*in++));
      stack_.emplace_back(std::move(list));
      return in;
    }
    default: throw std::invalid_argument("an argument of a type that cannot be passed must be null");
  }
}

double* OpCaller::writeTensor(const at::Tensor& tensor, double* out) {
  if (!tensor.defined()) {
    *out++ = -1;
    *out++ = 0;
    *out++ = 0;
    return out;
  }
  *out++ = table_.add(tensor);
  *out++ = static_cast<double>(tensor.scalar_type());
  *out++ = static_cast<double>(tensor.dim());
  for (const auto size : tensor.sizes()) *out++ = static_cast<double>(size);
  return out;
}

void OpCaller::call(int index, size_t given, double* buffer, size_t capacity, bool discard) {
  // Gradients are tfjs's business: no autograd below.
  c10::InferenceMode inference;
  const Op& op = ops_.at(index);
  stack_.clear();
  const double* in = buffer;
  for (size_t i = 0; i < given; i++) in = readArgument(op.kinds.at(i), in);
  for (size_t i = given; i < op.kinds.size(); i++) {
    const auto& fallback = op.handle.schema().arguments()[i].default_value();
    if (!fallback) throw std::invalid_argument("too few arguments");
    stack_.push_back(*fallback);
  }
  if (op.device >= 0 && !device_.is_cpu() && stack_[op.device].isNone()) stack_[op.device] = c10::IValue(device_);
  op.handle.callBoxed(&stack_);
  if (discard) {
    stack_.clear();
    return;
  }
  double* out = buffer;
  const double* const end = buffer + capacity;
  for (size_t i = 0; i < stack_.size(); i++) {
    const auto& value = stack_[i];
    if (value.isTensor()) {
      out = writeTensor(value.toTensor(), out);
    } else if (value.isTensorList()) {
      const auto tensors = value.toTensorVector();
      *out++ = static_cast<double>(tensors.size());
      for (const auto& tensor : tensors) {
        if (out + 64 > end) throw std::length_error("too many results for the argument buffer");
        out = writeTensor(tensor, out);
      }
    } else if (value.isInt()) {
      *out++ = static_cast<double>(value.toInt());
    } else if (value.isDouble()) {
      *out++ = value.toDouble();
    } else if (value.isBool()) {
      *out++ = value.toBool() ? 1 : 0;
    } else if (value.isScalar()) {
      *out++ = value.toScalar().toDouble();
    } else {
      throw std::invalid_argument("a result of a type that cannot be passed back");
    }
  }
  stack_.clear();
}

}  // namespace engine
