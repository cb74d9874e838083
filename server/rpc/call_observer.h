// Who is told of the calls that the server serves. No gRPC in here.
#ifndef PROCTOR_SERVER_RPC_CALL_OBSERVER_H_
#define PROCTOR_SERVER_RPC_CALL_OBSERVER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace proctor::server {

// The metadata under which a call's id lies; see common/trace_context.h. What clients send under it is dropped; failed calls carry it back.
inline constexpr char kRequestIdMetadata[] = "proctor-request-id";

// A call that begins.
struct CallStart {
  // "EnvironmentService/Step", without the package; of services that are not ours with it.
  const std::string& method;
  // Streams end when their clients say so: their time says nothing.
  bool streams = false;
};

struct CallEnd {
  const std::string& method;
  bool streams = false;
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::Time begin;
  absl::Duration took;
  // A traceparent; empty if the call ended before anything was read of it.
  const std::string& request_id;
  // The caller's span; empty: it sent none.
  const std::string& parent_span_id;
};

// Called on gRPC's threads. Thread-safe; quick, never blocks.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void CallBegan(const CallStart& call) = 0;
  // Once for each that began, before its client learns of the end.
  virtual void CallEnded(const CallEnd& call) = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_CALL_OBSERVER_H_
