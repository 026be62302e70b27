#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <napi.h>
#include <torch/version.h>

#include <cstring>

#include "allocator.h"
#include "async-read.h"
#include "device.h"
#include "fused.h"
#include "gemm.h"
#include "host-array.h"
#include "op-caller.h"
#include "startup-pages.h"
#include "tensor-table.h"
#include "winograd-kernels.h"

namespace engine {
namespace {

/// Everything of one JavaScript thread.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env, Napi::Object exports) : caller_(table_) {
    installAllocator();
    dropStartupPages();
    DefineAddon(exports, {
      InstanceMethod("setBuffer", &Addon::setBuffer),
      InstanceMethod("findOp", &Addon::findOp),
      InstanceMethod("intern", &Addon::intern),
      InstanceMethod("call", &Addon::call),
      InstanceMethod("callVoid", &Addon::callVoid),
      InstanceMethod("fromArray", &Addon::fromArray),
      InstanceMethod("read", &Addon::read),
      InstanceMethod("readAsync", &Addon::readAsync),
      InstanceMethod("readInto", &Addon::readInto),
      InstanceMethod("readStored", &Addon::readStored),
      InstanceMethod("isShared", &Addon::sharesArray),
      InstanceMethod("setDevice", &Addon::setDevice),
      InstanceMethod("deviceOf", &Addon::deviceOf),
      InstanceMethod("synchronize", &Addon::waitForDevice),
      InstanceMethod("release", &Addon::release),
      InstanceMethod("bytes", &Addon::bytes),
      InstanceMethod("stats", &Addon::stats),
      InstanceMethod("resetPeak", &Addon::resetPeakStats),
      InstanceMethod("emptyCache", &Addon::empty),
      InstanceMethod("setCacheLimit", &Addon::cacheLimit),
      InstanceMethod("setThreads", &Addon::setThreads),
      InstanceMethod("threads", &Addon::threads),
      InstanceMethod("setDeterministic", &Addon::setDeterministic),
      InstanceMethod("info", &Addon::info),
      InstanceMethod("gemmRoutes", &Addon::routes),
      InstanceMethod("forceGemmRoute", &Addon::forceRoute),
      InstanceMethod("setGemmChoice", &Addon::setChoice),
      InstanceMethod("takeGemmChoices", &Addon::takeChoices),
    });
  }

 private:
  /// Runs `body`, turning whatever it throws into a JavaScript error without libtorch's stack trace.
  template <typename Body>
  auto guarded(Napi::Env env, Body body) -> decltype(body()) {
    try {
      return body();
    } catch (const Napi::Error&) {
      throw;
    } catch (const c10::Error& error) {
      throw Napi::Error::New(env, error.what_without_backtrace());
    } catch (const std::exception& error) {
      throw Napi::Error::New(env, error.what());
    }
  }

  Napi::Value setBuffer(const Napi::CallbackInfo& info) {
    auto array = info[0].As<Napi::Float64Array>();
    bufferRef_ = Napi::Persistent(info[0].As<Napi::Object>());
    buffer_ = array.Data();
    capacity_ = array.ElementLength();
    return info.Env().Undefined();
  }

  Napi::Value findOp(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const int index = caller_.find(info[0].As<Napi::String>());
      auto found = Napi::Object::New(info.Env());
      found["index"] = index;
      found["kinds"] = caller_.at(index).kinds;
      found["results"] = caller_.at(index).results;
      return Napi::Value(found);
    });
  }

  Napi::Value intern(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), caller_.intern(info[0].As<Napi::String>()));
  }

  Napi::Value call(const Napi::CallbackInfo& info) { return run(info, false); }
  Napi::Value callVoid(const Napi::CallbackInfo& info) { return run(info, true); }

  Napi::Value run(const Napi::CallbackInfo& info, bool discard) {
    guarded(info.Env(), [&] {
      caller_.call(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Uint32Value(), buffer_,
                   capacity_, discard);
    });
    return info.Env().Undefined();
  }

  /// fromArray(typedArray, dtype, share, sizes...) → handle. Copies, unless it is told and able to share.
  Napi::Value fromArray(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      c10::InferenceMode inference;
      auto array = info[0].As<Napi::TypedArray>();
      const auto dtype = static_cast<at::ScalarType>(info[1].As<Napi::Number>().Int32Value());
      c10::SmallVector<int64_t, 8> sizes;
      for (size_t i = 3; i < info.Length(); i++) sizes.push_back(info[i].As<Napi::Number>().Int64Value());
      const bool onCpu = caller_.device().is_cpu();
      // Memory that is only read from until it has been copied to a GPU may always be shared.
      at::Tensor tensor;
      if (info[2].As<Napi::Boolean>() || !onCpu) tensor = shareArray(array, dtype, sizes);
      if (!tensor.defined()) tensor = copyArray(array, dtype, sizes);
      if (!onCpu) tensor = tensor.to(caller_.device());
      return Napi::Value(Napi::Number::New(info.Env(), table_.add(std::move(tensor))));
    });
  }

  /// read(handle) → ArrayBuffer with the elements in row-major order, in the type that tfjs knows.
  Napi::Value read(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      c10::InferenceMode inference;
      auto tensor = table_.get(info[0].As<Napi::Number>()).to(at::kCPU);
      tensor = tensor.to(hostType(tensor.scalar_type())).contiguous();
      auto out = Napi::ArrayBuffer::New(info.Env(), tensor.nbytes());
      if (tensor.nbytes() > 0) std::memcpy(out.Data(), tensor.data_ptr(), tensor.nbytes());
      return Napi::Value(out);
    });
  }

  /// readInto(handle, typedArray): {@link read} without an array of its own.
  Napi::Value readInto(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      c10::InferenceMode inference;
      copyOut(table_.get(info[0].As<Napi::Number>()), info[1].As<Napi::TypedArray>());
    });
    return info.Env().Undefined();
  }

  Napi::Value readStored(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      c10::InferenceMode inference;
      const auto split = copyStored(table_.get(info[0].As<Napi::Number>()), info[1].As<Napi::TypedArray>());
      return Napi::Value(Napi::Number::New(info.Env(), static_cast<double>(split)));
    });
  }

  Napi::Value readAsync(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      auto* worker = new AsyncRead(info.Env(), table_.get(info[0].As<Napi::Number>()));
      const Napi::Promise promise = worker->promise();
      worker->Queue();
      return Napi::Value(promise);
    });
  }

  Napi::Value sharesArray(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      return Napi::Value(Napi::Boolean::New(info.Env(), isShared(table_.get(info[0].As<Napi::Number>()))));
    });
  }

  /// setDevice('cpu' | 'cuda:N'): where tensors are made from now on.
  Napi::Value setDevice(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { caller_.setDevice(c10::Device(info[0].As<Napi::String>().Utf8Value())); });
    return info.Env().Undefined();
  }

  Napi::Value deviceOf(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      return Napi::Value(Napi::String::New(info.Env(), table_.get(info[0].As<Napi::Number>()).device().str()));
    });
  }

  Napi::Value waitForDevice(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { synchronize(caller_.device()); });
    return info.Env().Undefined();
  }

  Napi::Value release(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { table_.release(info[0].As<Napi::Number>()); });
    return info.Env().Undefined();
  }

  Napi::Value bytes(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const auto count = static_cast<double>(table_.get(info[0].As<Napi::Number>()).nbytes());
      return Napi::Value(Napi::Number::New(info.Env(), count));
    });
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    const auto memory = deviceStats(caller_.device());
    auto out = Napi::Object::New(info.Env());
    out["allocated"] = static_cast<double>(memory.allocated);
    out["peak"] = static_cast<double>(memory.peak);
    out["cached"] = static_cast<double>(memory.cached);
    out["limit"] = static_cast<double>(memory.limit);
    out["hits"] = static_cast<double>(memory.hits);
    out["misses"] = static_cast<double>(memory.misses);
    out["tensors"] = static_cast<double>(table_.live());
    return out;
  }

  Napi::Value resetPeakStats(const Napi::CallbackInfo& info) {
    resetDevicePeak(caller_.device());
    return info.Env().Undefined();
  }

  Napi::Value empty(const Napi::CallbackInfo& info) {
    emptyDeviceCache(caller_.device());
    return info.Env().Undefined();
  }

  Napi::Value cacheLimit(const Napi::CallbackInfo& info) {
    setCacheLimit(static_cast<uint64_t>(info[0].As<Napi::Number>().DoubleValue()));
    return info.Env().Undefined();
  }

  Napi::Value setThreads(const Napi::CallbackInfo& info) {
    at::set_num_threads(info[0].As<Napi::Number>().Int32Value());
    return info.Env().Undefined();
  }

  Napi::Value threads(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), at::get_num_threads());
  }

  Napi::Value setDeterministic(const Napi::CallbackInfo& info) {
    const bool on = info[0].As<Napi::Boolean>();
    auto& context = at::globalContext();
    // On the processor everything is computed in a fixed order anyway; a GPU has operators that are not, which refuse.
    context.setDeterministicAlgorithms(on, caller_.device().is_cpu());
    context.setDeterministicCuDNN(on);
    if (on) context.setBenchmarkCuDNN(false);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    // Nothing here reads memory that was not written.
    context.setDeterministicFillUninitializedMemory(false);
#endif
    return info.Env().Undefined();
  }

  Napi::Value info(const Napi::CallbackInfo& info) {
    auto out = Napi::Object::New(info.Env());
    out["version"] = TORCH_VERSION;
    out["cuda"] = hasCudaBuild();
    out["cudaDevices"] = cudaDevices();
#ifdef ENGINE_WITH_CUDA
    out["cudaStats"] = true;
#else
    out["cudaStats"] = false;
#endif
    out["plain"] = onlyPlain();
    out["mkldnn"] = at::hasMKLDNN();
    out["winograd"] = winograd::available() && !onlyPlain();
    out["winogradNarrow"] = winograd::narrowAvailable() && !onlyPlain();
    return out;
  }

  Napi::Value routes(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), gemmRoutes()); }

  Napi::Value forceRoute(const Napi::CallbackInfo& info) {
    forceGemmRoute(info[0].As<Napi::String>());
    return info.Env().Undefined();
  }

  Napi::Value setChoice(const Napi::CallbackInfo& info) {
    setGemmChoice(info[0].As<Napi::String>(), info[1].As<Napi::String>());
    return info.Env().Undefined();
  }

  Napi::Value takeChoices(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), takeGemmChoices());
  }

  TensorTable table_;
  OpCaller caller_;
  Napi::ObjectReference bufferRef_;
  double* buffer_ = nullptr;
  size_t capacity_ = 0;
};

NODE_API_NAMED_ADDON(addon, Addon)

}  // namespace
}  // namespace engine
