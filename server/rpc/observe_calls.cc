#include "server/rpc/observe_calls.h"

#include <optional>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "common/trace_context.h"
#include "server/rpc/stream_call.h"

namespace proctor::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

constexpr char kTraceparent[] = "traceparent";

// "/proctor.v1.EnvironmentService/Step" to "EnvironmentService/Step".
std::string MethodName(std::string_view path) {
  constexpr std::string_view kOurs = "/proctor.v1.";
  if (path.starts_with(kOurs)) return std::string(path.substr(kOurs.size()));
  return std::string(path.starts_with("/") ? path.substr(1) : path);
}

// Lives as long as the call.
class CallInterceptor final : public grpc::experimental::Interceptor {
 public:
  CallInterceptor(CallObserver& observer, double sample_share, const ServerRpcInfo& info)
      : sample_share_(sample_share), call_(observer, info.method(), info.type() != ServerRpcInfo::Type::UNARY) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      if (auto* const metadata = methods->GetRecvInitialMetadata(); metadata != nullptr) Identify(*metadata);
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      call_.End(static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
    }
    methods->Proceed();
  }

 private:
  // Puts the call's id into its metadata, where ContextOf finds it.
  void Identify(ObservedCall::Metadata& metadata) {
    call_.Identify(metadata, sample_share_);
    metadata.erase(kRequestIdMetadata);
    metadata.emplace(kRequestIdMetadata, grpc::string_ref(call_.id()));
  }

  const double sample_share_;
  ObservedCall call_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(CallObserver& observer, double sample_share) : observer_(observer), sample_share_(sample_share) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    if (IsStreamCall(info->method())) return nullptr;
    return new CallInterceptor(observer_, sample_share_, *info);  // gRPC owns it.
  }

 private:
  CallObserver& observer_;
  const double sample_share_;
};

}  // namespace

ObservedCall::ObservedCall(CallObserver& observer, std::string_view path, bool streams)
    : observer_(observer), method_(MethodName(path)), streams_(streams), begin_(absl::Now()) {
  observer_.CallBegan({method_, streams_});
}

void ObservedCall::Identify(const Metadata& metadata, double sample_share) {
  std::optional<TraceContext> caller;
  if (metadata.count(kTraceparent) == 1) {
    const grpc::string_ref sent = metadata.find(kTraceparent)->second;
    caller = ParseTraceparent({sent.data(), sent.size()});
  }
  if (caller) parent_span_id_ = caller->span_id;
  const bool sampled = !caller && absl::Bernoulli(absl::BitGen(), sample_share);
  request_id_ = FormatTraceparent(NewSpan(caller ? *caller : NewTrace(sampled)));
}

void ObservedCall::End(absl::StatusCode code) {
  if (ended_) return;
  ended_ = true;
  observer_.CallEnded({method_, streams_, code, begin_, absl::FromChrono(std::chrono::steady_clock::now() - steady_begin_), request_id_, parent_span_id_});
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(CallObserver& observer, double sample_share) {
  return std::make_unique<Factory>(observer, sample_share);
}

}  // namespace proctor::server
