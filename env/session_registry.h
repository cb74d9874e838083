// Which sessions there are, which closed ones are still told of, and which requests made them.
#ifndef PROCTOR_ENV_SESSION_REGISTRY_H_
#define PROCTOR_ENV_SESSION_REGISTRY_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "env/session.h"
#include "env/session_opening.h"

namespace proctor::env {

// What is kept of closed sessions, of a tenant at most: the longest closed are forgotten first.
struct SessionRemembrance {
  absl::Duration how_long;
  int max_sessions;
  // Of Session::client_bytes.
  int64_t max_bytes;
};

// Books only: no thread, no lock; SessionManager keeps it under its mutex.
class SessionRegistry {
 public:
  // A CreateSession with a request id.
  struct Request {
    std::string digest;
    // Null once the session is there.
    SessionOpeningPtr opening;
    std::string session_id;
  };

  explicit SessionRegistry(const SessionRemembrance& remembrance) : remembrance_(remembrance) {}

  // Null: none with this id, or forgotten.
  std::shared_ptr<Session> Find(const std::string& session_id) const;
  // By id, which sorts by time; closed ones too.
  const std::map<std::string, std::shared_ptr<Session>>& sessions() const { return sessions_; }

  // What came with this tenant's request id before. Null: nothing did, and from now on this one has.
  const Request* FindOrNote(const SessionOpeningPtr& opening);
  // The opening's session is there.
  void Add(const SessionOpeningPtr& opening, const std::shared_ptr<Session>& session);
  // There will be none: who repeats the request tries again.
  void Withdraw(const SessionOpeningPtr& opening);

  // That session closed: it is remembered for a while.
  void Remember(const std::string& session_id, const std::string& tenant);
  // Takes out what is no longer to be remembered; the sessions are the caller's to let die, without the lock.
  std::vector<std::shared_ptr<Session>> Forget(absl::Time now);

 private:
  struct Closed {
    // In the order in which they closed.
    std::deque<std::shared_ptr<Session>> sessions;
    // Of Session::client_bytes.
    int64_t bytes = 0;
  };

  const SessionRemembrance remembrance_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
  // Of `sessions_`, by tenant.
  std::map<std::string, Closed> closed_;
  // By tenant and request id.
  std::map<std::pair<std::string, std::string>, Request> requests_;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SESSION_REGISTRY_H_
