// Calls that interceptors do not see.
//
// gRPC sends each message of a call that has interceptors through its completion queue once more, whatever they do: two round trips and
// several wake-ups of threads for a request and its answer. Where messages are many and small, on the streams in both directions, their
// reactor (ServeBidi) does for the call what the interceptors of observe_calls.h and door.h do for all others.
#ifndef PROCTOR_SERVER_RPC_STREAM_CALL_H_
#define PROCTOR_SERVER_RPC_STREAM_CALL_H_

#include <grpcpp/server_context.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "server/byte_budget.h"
#include "server/rpc/call_memory.h"
#include "server/rpc/door.h"
#include "server/rpc/observe_calls.h"

namespace proctor::server {

inline constexpr std::string_view kActPath = "/proctor.v1.EnvironmentService/Act";
inline constexpr std::string_view kStreamRewardsPath = "/proctor.v1.RewardService/StreamRewards";

// Calls of these have a StreamCall and no interceptors.
constexpr bool IsStreamCall(std::string_view path) { return path == kActPath || path == kStreamRewardsPath; }

// What is done for calls besides serving them. All outlive the server.
struct CallBooks {
  CallObserver& observer;
  // As ObservedCall::Identify has it.
  double sample_share = 0;
  const CallGuard& guard;
  ConnectionPeers& peers;
  // Of requests that are with streams' handlers.
  ByteBudget& memory;
  Patience patience;
};

// One stream as all but its handler see it. Its messages may come from two threads, one for each direction.
class StreamCall {
 public:
  // `path` is one of those above. `books` null (a service alone in a test): the caller is `local`, the call has no id, and nobody learns of
  // it. `context` lives until gRPC is done with the call: after that, only Ended may be called.
  StreamCall(const CallBooks* books, grpc::CallbackServerContext& context, std::string_view path);

  const Caller& caller() const { return caller_; }
  const std::string& id() const { return id_; }
  // Null: as long as it likes.
  const Patience* patience() const { return patience_; }

  // Before the handler hears of it. UNAUTHENTICATED: it must not, and the call is to be broken; see AdmittedCall::CheckStillKnown.
  absl::Status Received(const google::protobuf::Message& request);
  // About to be sent.
  void Sent(const google::protobuf::Message& response);
  // Before the client learns of it. Without it, the destructor says CANCELLED.
  void Ended(absl::StatusCode code);

  // Memory of requests: see ByteBudget::Share. By one thread at a time.
  absl::Status Hold(size_t bytes) { return held_ ? held_->Add(static_cast<int64_t>(bytes)) : absl::OkStatus(); }
  void LetGo(size_t bytes) {
    if (held_) held_->Remove(static_cast<int64_t>(bytes));
  }

 private:
  const Patience* const patience_;
  std::optional<ObservedCall> observed_;
  std::optional<AdmittedCall> admitted_;
  std::optional<ByteBudget::Share> held_;
  Caller caller_;
  std::string id_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_STREAM_CALL_H_
