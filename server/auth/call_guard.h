// The one place that decides whether a call may begin.
#ifndef PROCTOR_SERVER_AUTH_CALL_GUARD_H_
#define PROCTOR_SERVER_AUTH_CALL_GUARD_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/doors.h"

namespace proctor::server {

// Thread-safe; blocks on nothing.
class CallGuard {
 public:
  // All outlive the guard.
  struct Parts {
    const Doors& doors;
    // What `listen_address` asks; the unix socket is kLocal.
    Door tcp_door = Door::kGuarded;
  };
  explicit CallGuard(Parts parts) : parts_(parts) {}

  // Called for every call of every service before anything of it but its metadata is read. OK: it may begin. UNAUTHENTICATED,
  // PERMISSION_DENIED, UNIMPLEMENTED: see Doors::Identify and CheckScopes. Health checks are let in by any door.
  absl::Status Admit(Door door, std::string_view path, const Credentials& credentials) const;

  // Who calls through the door of `peer` ("unix:...", "ipv4:...").
  absl::StatusOr<Caller> Identify(std::string_view peer, const Credentials& credentials) const;

  const Doors& doors() const { return parts_.doors; }

 private:
  const Parts parts_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_CALL_GUARD_H_
