#include "server/rpc/observe_calls.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "common/trace_context.h"

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
      : observer_(observer),
        sample_share_(sample_share),
        method_(MethodName(info.method())),
        streams_(info.type() != ServerRpcInfo::Type::UNARY),
        begin_(absl::Now()) {
    observer_.CallBegan({method_, streams_});
  }
  // A call that nobody answered: its client went away before.
  ~CallInterceptor() override { End(absl::StatusCode::kCancelled); }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      if (auto* const metadata = methods->GetRecvInitialMetadata(); metadata != nullptr) Identify(*metadata);
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      End(static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
    }
    methods->Proceed();
  }

 private:
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

  // Puts the call's id into its metadata, where ContextOf finds it.
  void Identify(Metadata& metadata) {
    std::optional<TraceContext> caller;
    if (metadata.count(kTraceparent) == 1) {
      const grpc::string_ref sent = metadata.find(kTraceparent)->second;
      caller = ParseTraceparent({sent.data(), sent.size()});
    }
    if (caller) parent_span_id_ = caller->span_id;
    const bool sampled = !caller && absl::Bernoulli(absl::BitGen(), sample_share_);
    request_id_ = FormatTraceparent(NewSpan(caller ? *caller : NewTrace(sampled)));
    metadata.erase(kRequestIdMetadata);
    metadata.emplace(kRequestIdMetadata, grpc::string_ref(request_id_));
  }

  void End(absl::StatusCode code) {
    if (ended_) return;
    ended_ = true;
    observer_.CallEnded({method_, streams_, code, begin_, absl::FromChrono(std::chrono::steady_clock::now() - steady_begin_), request_id_, parent_span_id_});
  }

  CallObserver& observer_;
  const double sample_share_;
  const std::string method_;
  const bool streams_;
  const absl::Time begin_;
  const std::chrono::steady_clock::time_point steady_begin_ = std::chrono::steady_clock::now();
  bool ended_ = false;
  // Referred to by the call's metadata.
  std::string request_id_;
  std::string parent_span_id_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(CallObserver& observer, double sample_share) : observer_(observer), sample_share_(sample_share) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new CallInterceptor(observer_, sample_share_, *info);  // gRPC owns it.
  }

 private:
  CallObserver& observer_;
  const double sample_share_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(CallObserver& observer, double sample_share) {
  return std::make_unique<Factory>(observer, sample_share);
}

}  // namespace proctor::server
