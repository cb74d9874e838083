// Tells an observer of every call.
#ifndef PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_
#define PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_

#include <grpcpp/support/server_interceptor.h>
#include <grpcpp/support/string_ref.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/rpc/call_observer.h"

namespace proctor::server {

// One call, for as long as it lives. Not thread-safe.
class ObservedCall {
 public:
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

  // `path`: "/proctor.v1.EnvironmentService/Step". `observer` outlives the call.
  ObservedCall(CallObserver& observer, std::string_view path, bool streams);
  // A call that nobody answered: its client went away before.
  ~ObservedCall() { End(absl::StatusCode::kCancelled); }
  ObservedCall(const ObservedCall&) = delete;
  ObservedCall& operator=(const ObservedCall&) = delete;

  // Gives the call its id: of the caller's trace if it sent `traceparent`, else of a new trace, sampled with the given probability.
  void Identify(const Metadata& metadata, double sample_share);
  // Empty before.
  const std::string& id() const { return request_id_; }

  // Only the first time counts.
  void End(absl::StatusCode code);

 private:
  CallObserver& observer_;
  const std::string method_;
  const bool streams_;
  const absl::Time begin_;
  const std::chrono::steady_clock::time_point steady_begin_ = std::chrono::steady_clock::now();
  bool ended_ = false;
  std::string request_id_;
  std::string parent_span_id_;
};

// For ServerBuilder::experimental().SetInterceptorCreators: observes all calls but those of StreamCall. `observer` outlives the gRPC server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(CallObserver& observer, double sample_share);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_
