// A stream of messages in both directions, read and written by blocking calls. Internal to the
// client library.
#ifndef PROCTOR_CLIENTS_CPP_RPC_STREAM_H_
#define PROCTOR_CLIENTS_CPP_RPC_STREAM_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace grpc {
class Channel;
}

namespace proctor::client {

// Serves bidirectional and server-streaming methods alike. Thread-safe.
class RpcStream {
 public:
  // `method`: "/proctor.v1.JobService/WatchJob". Opens at once; a server that is not there shows in
  // Read. Without a deadline no stream ends DEADLINE_EXCEEDED: a server that says so is UNAVAILABLE.
  static std::unique_ptr<RpcStream> Open(const std::shared_ptr<grpc::Channel>& channel,
                                         const std::string& method,
                                         absl::Time deadline = absl::InfiniteFuture());
  // Cancels what still runs.
  virtual ~RpcStream() = default;

  // Queues a message. After the stream has ended it is dropped: Read tells why.
  virtual void Write(const google::protobuf::Message& message) = 0;
  // No more messages follow.
  virtual void HalfClose() = 0;
  // The next message. False: the stream ended with OK. Errors: the stream's status;
  // DEADLINE_EXCEEDED after `timeout` (the stream goes on; `still_open` tells).
  virtual absl::StatusOr<bool> Read(google::protobuf::Message& message, absl::Duration timeout) = 0;
  // Neither ended nor cancelled.
  virtual bool still_open() const = 0;
  // Ends it soon, CANCELLED. Blocked reads return.
  virtual void Cancel() = 0;
};

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_RPC_STREAM_H_
