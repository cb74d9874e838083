// What a call leaves behind: its lines in the audit log.
#ifndef PROCTOR_SERVER_AUTH_CALL_TRAIL_H_
#define PROCTOR_SERVER_AUTH_CALL_TRAIL_H_

#include <deque>
#include <string>
#include <string_view>

#include "common/mutex.h"
#include "google/protobuf/message.h"
#include "server/auth/call_guard.h"

namespace proctor::server {

// One call, from its first message to its status. Thread-safe: the two directions of a stream have threads of their own. Costs nothing
// for methods that change nothing.
class CallTrail {
 public:
  // `method` lives as long as the trail, `guard` longer.
  CallTrail(const CallGuard& guard, std::string_view method);

  // Who calls, once it is known.
  void Begin(const Caller& caller, std::string peer);
  void Received(const google::protobuf::Message& request);
  void Sent(const google::protobuf::Message& response);
  void Ended(absl::StatusCode status);

  // Messages need not be shown to it.
  bool idle() const { return !audited_ && !is_act_; }

 private:
  // A verb of an Act stream that has no answer yet. Answers come in the order of the requests. Empty but for its place: it is not audited.
  struct Verb {
    std::string name;
    std::string resource;
    std::string request_id;
    bool audited = false;
  };

  void Line(std::string_view method, std::string_view resource, std::string_view request_id, absl::StatusCode status) const;

  const CallGuard& guard_;
  const std::string_view method_;
  bool audited_ = false;
  bool is_act_ = false;
  // Set by Begin, before there are messages.
  Caller caller_;
  std::string peer_;

  Mutex mutex_;
  std::string resource_ ABSL_GUARDED_BY(mutex_);
  std::string request_id_ ABSL_GUARDED_BY(mutex_);
  std::deque<Verb> verbs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_CALL_TRAIL_H_
