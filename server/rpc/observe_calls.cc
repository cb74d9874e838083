#include "server/rpc/observe_calls.h"

#include <string>
#include <string_view>

#include "absl/time/clock.h"

namespace proctor::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// "/proctor.v1.EnvironmentService/Step" to "EnvironmentService/Step".
std::string MethodName(std::string_view path) {
  constexpr std::string_view kOurs = "/proctor.v1.";
  if (path.starts_with(kOurs)) return std::string(path.substr(kOurs.size()));
  return std::string(path.starts_with("/") ? path.substr(1) : path);
}

// Lives as long as the call.
class CallInterceptor final : public grpc::experimental::Interceptor {
 public:
  CallInterceptor(CallObserver& observer, const ServerRpcInfo& info)
      : observer_(observer),
        method_(MethodName(info.method())),
        streams_(info.type() != ServerRpcInfo::Type::UNARY),
        begin_(absl::Now()) {
    observer_.CallBegan({method_, streams_});
  }
  // A call that nobody answered: its client went away before.
  ~CallInterceptor() override { End(absl::StatusCode::kCancelled); }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      End(static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
    }
    methods->Proceed();
  }

 private:
  void End(absl::StatusCode code) {
    if (ended_) return;
    ended_ = true;
    observer_.CallEnded({method_, streams_, code, absl::Now() - begin_});
  }

  CallObserver& observer_;
  const std::string method_;
  const bool streams_;
  const absl::Time begin_;
  bool ended_ = false;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(CallObserver& observer) : observer_(observer) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new CallInterceptor(observer_, *info);  // gRPC owns it.
  }

 private:
  CallObserver& observer_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(CallObserver& observer) {
  return std::make_unique<Factory>(observer);
}

}  // namespace proctor::server
